/**
 * Datagrams.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codeLater, ending, endings, list, tell } from "../answers.ts";
import type { Case } from "../case.ts";
import { type End, message, pattern, pushTo, textOf } from "../end.ts";
import { wait } from "../waits.ts";
import { boundDatagram, datagramSocket } from "../world.ts";
import type { InetAddress, Sga } from "../../../libos/pdpix.ts";

/** Pops a datagram, which must come. */
async function take(end: End, size?: number): Promise<Sga> {
  const completion = await wait(end.libos, end.pop(size), 2000);
  if (completion.opcode === "pop" && completion.sga !== null) return completion.sga;
  throw new Error(`a pop ended with ${tell(completion)}`);
}

/** See the module's description. */
export const DATAGRAM: readonly Case[] = [
  {
    id: "datagram/port-0",
    needs: ["datagram", "inet"],
    rule: "Port 0 lets the libOS choose, any number of times.",
    pdpix: "8",
    compat: "EADDRINUSE the second time",
    run(world) {
      const addresses = Array.from({ length: 8 }, () => boundDatagram(world).address);
      return String(new Set(addresses.map((address) => (address as InetAddress).port)).size);
    },
  },
  {
    id: "datagram/wildcard",
    needs: ["datagram", "inet"],
    rule: "A socket of the wildcard address gets what is sent to any of the host's.",
    pdpix: "ok push data",
    async run(world) {
      const { wildcard, address } = world.subject.datagram!;
      const end = datagramSocket(world);
      const answer = code(() => end.libos.bind(end.qd, { hostname: wildcard!, port: 0 }));
      if (answer !== "ok") return answer;
      const { port } = end.libos.getsockname(end.qd) as InetAddress;
      const { hostname } = address(end.libos) as InetAddress;
      const sender = boundDatagram(world, world.peer);
      return list([answer, await pushTo(sender, "data", { hostname, port }), await end.receive()]);
    },
  },
  {
    id: "datagram/push",
    upstream: ["udp.rs/push_remote"],
    needs: ["datagram"],
    rule: "A datagram arrives, and tells where it came from.",
    pdpix: "push data",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const answer = await pushTo(a, "data", b.address);
      const sga = await take(b);
      const { hostname, port } = sga.address!;
      assertEquals({ hostname, port }, a.address as InetAddress);
      return list([answer, textOf(sga)]);
    },
  },
  {
    id: "datagram/reply",
    needs: ["datagram"],
    rule: "The address that a datagram came from is one to push to.",
    pdpix: "push pong",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      await pushTo(a, "ping", b.address);
      using sga = await take(b);
      return list([await pushTo(b, "pong", sga.address!), await a.receive()]);
    },
  },
  {
    id: "datagram/loopback",
    upstream: ["udp.rs/loopback", "udp.rs/connect_loopback"],
    needs: ["datagram"],
    rule: "A socket can send to itself.",
    pdpix: "push data",
    async run(world) {
      const a = boundDatagram(world);
      return list([await pushTo(a, "data", a.address), await a.receive()]);
    },
  },
  {
    id: "datagram/boundaries",
    needs: ["datagram"],
    rule: "Datagrams stay apart, and those of one sender to one socket come in order.",
    pdpix: "1 1000 3 1400",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const sizes = [1, 1000, 3, 1400];
      for (const size of sizes) assertEquals(await pushTo(a, size, b.address), "push");
      return list(
        await Array.fromAsync(sizes, async (size) => {
          using sga = await take(b);
          assertEquals(sga.toUint8Array(), pattern(size));
          return String(sga.length);
        }),
      );
    },
  },
  {
    id: "datagram/order-of-pops",
    needs: ["datagram"],
    rule: "Pops that wait get them in the order in which they were asked.",
    pdpix: "one two three",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const pops = [b.pop(), b.pop(), b.pop()];
      for (const text of ["one", "two", "three"]) await pushTo(a, text, b.address);
      return list(await Array.fromAsync(pops, (qt) => b.told(qt)));
    },
  },
  {
    id: "datagram/truncated",
    needs: ["datagram"],
    rule: "One longer than the pop wants is cut and says so; the rest is gone.",
    pdpix: "abc true next false",
    compat: "the size cannot be given",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      await pushTo(a, "abcdef", b.address);
      await pushTo(a, "next", b.address);
      return list([await take(b, 3), await take(b, 4)].flatMap((sga) => {
        const { truncated } = sga;
        return [textOf(sga), String(truncated)];
      }));
    },
  },
  {
    id: "datagram/empty",
    needs: ["datagram"],
    rule: "An empty datagram is one, and no end.",
    pdpix: "push 0 data",
    compat: "EINVAL",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      using nothing = message(a.libos, "");
      const answer = await codeLater(async () =>
        await wait(a.libos, a.libos.pushTo(a.qd, nothing, b.address), 2000)
      );
      if (answer !== "ok") return answer;
      using sga = await take(b);
      await pushTo(a, "data", b.address);
      return list(["push", String(sga.length), await b.receive()]);
    },
  },
  {
    id: "datagram/empty-harmless",
    needs: ["datagram"],
    rule:
      "An empty datagram, which anybody may send, stops nothing: what comes after it is popped.",
    pdpix: "0 data",
    compat: "the socket receives nothing more",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      using nothing = message(b.libos, "");
      const answer = await codeLater(async () =>
        await wait(b.libos, b.libos.pushTo(b.qd, nothing, a.address), 2000)
      );
      if (answer !== "ok") return answer;
      await pushTo(b, "data", a.address);
      const first = await a.receive();
      return first === "" ? list(["0", await a.receive()]) : first;
    },
  },
  {
    id: "datagram/segments",
    needs: ["datagram"],
    rule: "The segments of an sga are one datagram.",
    pdpix: "push abcdef",
    compat: "one segment alone",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const sga = a.libos.alloc([3, 3]);
      sga.bytes(0).set(new TextEncoder().encode("abc"));
      sga.bytes(1).set(new TextEncoder().encode("def"));
      return list([await ending(a.libos, a.libos.pushTo(a.qd, sga, b.address)), await b.receive()]);
    },
  },
  {
    id: "datagram/unbound-push",
    needs: ["datagram"],
    rule: "A push gives a socket an address, if it had none.",
    pdpix: "push ping pong",
    compat: "ENOTSUP on the own stack (#973)",
    async run(world) {
      const a = datagramSocket(world);
      const b = boundDatagram(world, world.peer);
      const answer = await pushTo(a, "ping", b.address);
      const sga = await take(b);
      await pushTo(b, "pong", sga.address!);
      return list([answer, textOf(sga), await a.receive()]);
    },
  },
  {
    id: "datagram/connect",
    needs: ["datagram"],
    rule: "Connecting fixes the peer: pushes go there, and what others send is not popped.",
    pdpix: "connect push ping pong",
    compat: "EINVAL",
    async run(world) {
      const a = datagramSocket(world);
      const b = boundDatagram(world, world.peer);
      const other = boundDatagram(world, world.peer);
      const answer = await ending(a.libos, a.libos.connect(a.qd, b.address));
      if (answer !== "connect") return answer;
      const push = await ending(a.libos, a.push("ping"));
      const sga = await take(b);
      const { address } = sga;
      await pushTo(other, "stranger", address!);
      await pushTo(b, "pong", address!);
      return list([answer, push, textOf(sga), await a.receive()]);
    },
  },
  {
    id: "datagram/close",
    needs: ["datagram"],
    rule: "Closing cancels what waits, and frees the address.",
    pdpix: "ECANCELED ECANCELED ok",
    compat: "EBADF EBADF ok",
    async run(world) {
      const a = boundDatagram(world);
      const pops = [a.pop(), a.pop()];
      a.close();
      return list([
        await endings(a.libos, pops),
        code(() => a.libos.bind(datagramSocket(world).qd, a.address)),
      ]);
    },
  },
  {
    id: "datagram/cancel",
    needs: ["datagram"],
    rule: "A pop that was cancelled takes no datagram from the next one.",
    pdpix: "ECANCELED data",
    compat: "there is no cancelling",
    async run(world) {
      const a = boundDatagram(world);
      const b = boundDatagram(world, world.peer);
      const pops = [b.pop(), b.pop()];
      b.libos.cancel(pops[0]!);
      await pushTo(a, "data", b.address);
      return list(await Array.fromAsync(pops, (qt) => b.told(qt)));
    },
  },
];
