/**
 * IPv6 sockets that talk with IPv4 hosts (RFC 3493, section 3.7).
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, ending, list } from "../answers.ts";
import type { Case } from "../case.ts";
import { End, pushTo, refused } from "../end.ts";
import { wait } from "../waits.ts";
import { accepted, socket } from "../world.ts";
import type { InetAddress, LibOS, SocketType } from "../../../libos/pdpix.ts";

/** An end that has an address. */
interface Bound {
  /** The end. */
  readonly end: End;
  /** Where it is. */
  readonly address: InetAddress;
}

/** Binds a socket to a port that the libOS chooses. */
function bind(libos: LibOS, hostname: string, type: SocketType): Bound {
  const qd = libos.socket(hostname.includes(":") ? "inet6" : "inet", type);
  libos.bind(qd, { hostname, port: 0 });
  return { end: new End(libos, qd), address: libos.getsockname(qd) as InetAddress };
}

/** As {@linkcode bind}, and listens. */
function listen(libos: LibOS, hostname: string): Bound {
  const bound = bind(libos, hostname, "stream");
  libos.listen(bound.end.qd);
  return bound;
}

/** Connects an end to a port of 127.0.0.1: gives what both ends call themselves and the other, and a text. */
async function meet(from: End, { end: listener, address: { port } }: Bound): Promise<string> {
  const qt = from.libos.connect(from.qd, { hostname: "127.0.0.1", port });
  const server = await accepted(listener.libos, listener.qd);
  assertEquals(await ending(from.libos, qt), "connect");
  const hostnames = [from, server].flatMap(({ libos, qd }) =>
    [libos.getsockname(qd), libos.getpeername(qd)].map((name) => (name as InetAddress).hostname)
  );
  await from.send("data");
  return list([...new Set(hostnames), await server.receive()]);
}

/** Pops a datagram, and answers: gives its text and where it came from. */
async function answer(end: End, text: string): Promise<string> {
  const completion = await wait(end.libos, end.pop(), 2000);
  if (completion.opcode !== "pop") return completion.opcode;
  using sga = completion.sga!;
  const { hostname } = sga.address!;
  assertEquals(await pushTo(end, text, sga.address!), "push");
  return list([new TextDecoder().decode(sga.toUint8Array()), hostname]);
}

/** See the module's description. */
export const DUAL_STACK: readonly Case[] = [
  {
    id: "ipv4/connect",
    needs: ["stream", "ipv6"],
    rule: "An IPv6 socket connects to an IPv4 address, which is told as such.",
    pdpix: "127.0.0.1 data",
    run: async (world) =>
      await meet(new End(world.libos, socket(world)), listen(world.peer, "127.0.0.1")),
  },
  {
    id: "ipv4/accept",
    needs: ["stream", "ipv6"],
    rule:
      "One that listens on the wildcard address accepts from IPv4, and tells those addresses as such.",
    pdpix: "127.0.0.1 data",
    run: async ({ libos, peer }) =>
      await meet(new End(peer, peer.socket("inet", "stream")), listen(libos, "::")),
  },
  {
    id: "ipv4/datagram",
    needs: ["datagram", "ipv6"],
    rule: "One on the wildcard address pushes to IPv4, and tells where the answer came from.",
    pdpix: "push ping 127.0.0.1 pong 127.0.0.1 again",
    async run({ libos, peer }) {
      const { end } = bind(libos, "::", "dgram");
      const other = bind(peer, "127.0.0.1", "dgram");
      return list([
        await pushTo(end, "ping", other.address),
        await answer(other.end, "pong"),
        await answer(end, "again"),
        await other.end.receive(),
      ]);
    },
  },
  {
    id: "ipv4/datagram-connect",
    needs: ["datagram", "ipv6"],
    rule: "One without an address may have an IPv4 peer.",
    pdpix: "connect 127.0.0.1 push ping 127.0.0.1 pong",
    async run({ libos, peer }) {
      const end = new End(libos, libos.socket("inet6", "dgram"));
      const other = bind(peer, "127.0.0.1", "dgram");
      return list([
        await ending(libos, libos.connect(end.qd, other.address)),
        (libos.getpeername(end.qd) as InetAddress).hostname,
        await ending(libos, end.push("ping")),
        await answer(other.end, "pong"),
        await end.receive(),
      ]);
    },
  },
  {
    id: "ipv4/bound",
    needs: ["stream", "datagram", "ipv6"],
    rule:
      "From an address of IPv6 no way leads to IPv4: that is refused, and the buffer stays with the caller.",
    pdpix: "EAFNOSUPPORT EAFNOSUPPORT EAFNOSUPPORT",
    run({ libos, peer }) {
      const { address } = bind(peer, "127.0.0.1", "dgram");
      const stream = bind(libos, "::1", "stream").end;
      const datagram = bind(libos, "::1", "dgram").end;
      return list([
        code(() => libos.connect(stream.qd, address)),
        code(() => libos.connect(datagram.qd, address)),
        refused(libos, (sga) => libos.pushTo(datagram.qd, sga, address)),
      ]);
    },
  },
  {
    id: "ipv4/bind",
    needs: ["stream", "datagram", "ipv6"],
    rule: "An IPv6 socket cannot have an IPv4 address itself.",
    pdpix: "EAFNOSUPPORT EAFNOSUPPORT",
    run: ({ libos }) =>
      list((["stream", "dgram"] as const).map((type) => {
        const qd = libos.socket("inet6", type);
        return code(() => libos.bind(qd, { hostname: "127.0.0.1", port: 0 }));
      })),
  },
];
