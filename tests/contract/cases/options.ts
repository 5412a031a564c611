/**
 * Socket options and names.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codes, ending, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { End } from "../end.ts";
import { wait } from "../waits.ts";
import { accepted, bound, connected, listening, socket } from "../world.ts";
import type { LibOS, QueueDescriptor, SocketAddress, SocketOptions } from "../../../libos/pdpix.ts";

/** What is no value of `linger`. */
const NO_LINGER = [-1, 1.5, NaN, "5", true, undefined] as number[];
/** What is no size of segments. */
const NO_SEGMENT = [87, 32_768, -1, 0.5, NaN, "1000", undefined] as number[];
/** The options of TCP in one segment, at most. */
const OPTIONS_SIZE = 40;
const ALL: readonly (keyof SocketOptions)[] = [
  "nodelay",
  "linger",
  "keepalive",
  "reusePort",
  "reuseAddress",
  "sendBuffer",
  "receiveBuffer",
  "maxSegmentSize",
  "broadcast",
  "multicastJoin",
  "multicastLeave",
  "multicastTtl",
  "multicastLoopback",
];

function compare(one: SocketAddress, other: SocketAddress): string {
  const text = (address: SocketAddress) =>
    "path" in address ? address.path : `${address.hostname}:${address.port}`;
  return text(one) === text(other) ? "same" : "differs";
}

/** Whether a connection tells both addresses as they ought to be. */
function names(
  libos: LibOS,
  qd: QueueDescriptor,
  local: SocketAddress,
  remote: SocketAddress,
): string {
  return list([compare(libos.getsockname(qd), local), compare(libos.getpeername(qd), remote)]);
}

/** See the module's description. */
export const OPTIONS: readonly Case[] = [
  {
    id: "options/no-descriptor",
    upstream: ["syscalls.c/setsockopt", "syscalls.c/getsockopt"],
    needs: [],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF EBADF",
    run: ({ libos }) =>
      list([
        codes(NO_DESCRIPTORS, (qd) => libos.setsockopt(qd, "linger", 0)),
        codes(NO_DESCRIPTORS, (qd) => libos.getsockopt(qd, "linger")),
      ]),
  },
  {
    id: "options/unknown",
    needs: ["stream"],
    rule: "An option that the capabilities do not name is refused.",
    pdpix: "ENOPROTOOPT ENOPROTOOPT",
    run(world) {
      const { libos } = world;
      const qd = socket(world);
      const known: readonly string[] = libos.capabilities.options;
      const others = ["ttl", "", "toString", "length", ...ALL] as (keyof SocketOptions)[];
      const unknown = others.filter((option) => !known.includes(option));
      return list([
        codes(unknown, (option) => libos.setsockopt(qd, option, 1)),
        codes(unknown, (option) => libos.getsockopt(qd, option)),
      ]);
    },
  },
  {
    id: "options/linger",
    needs: ["stream", "linger"],
    rule: "Seconds to linger can be set, read, and taken back.",
    pdpix: "null 5 0 null",
    run(world) {
      const { libos } = world;
      const qd = socket(world);
      const read = () => String(libos.getsockopt(qd, "linger"));
      const answers = [read()];
      for (const value of [5, 0, null]) {
        libos.setsockopt(qd, "linger", value);
        answers.push(read());
      }
      return list(answers);
    },
  },
  {
    id: "options/no-linger",
    needs: ["stream", "linger"],
    rule: "What is no number of seconds is refused, and changes nothing.",
    pdpix: "EINVAL 7",
    run(world) {
      const { libos } = world;
      const qd = socket(world);
      libos.setsockopt(qd, "linger", 7);
      const answer = codes(NO_LINGER, (value) => libos.setsockopt(qd, "linger", value));
      return list([answer, String(libos.getsockopt(qd, "linger"))]);
    },
  },
  {
    id: "options/nodelay",
    needs: ["stream", "nodelay"],
    rule: "Small segments go at once, unless that is turned off.",
    pdpix: "true false true",
    compat: "ENOTSUP; it is on",
    run(world) {
      const { libos } = world;
      const qd = socket(world);
      const answers = [libos.getsockopt(qd, "nodelay")];
      for (const value of [false, true]) {
        libos.setsockopt(qd, "nodelay", value);
        answers.push(libos.getsockopt(qd, "nodelay"));
      }
      return list(answers.map(String));
    },
  },
  {
    id: "options/max-segment-size",
    needs: ["stream", "inet", "maxSegmentSize"],
    rule: "How large segments may be can be set and read; what is no such size changes nothing.",
    pdpix: "536 1000 EINVAL 1000",
    run(world) {
      const { libos } = world;
      const qd = socket(world);
      const read = () => String(libos.getsockopt(qd, "maxSegmentSize"));
      const answers = [read()];
      libos.setsockopt(qd, "maxSegmentSize", 1000);
      answers.push(read());
      const wrong = codes(NO_SEGMENT, (value) => libos.setsockopt(qd, "maxSegmentSize", value));
      return list([...answers, wrong, read()]);
    },
  },
  {
    id: "options/max-segment-size-connected",
    needs: ["stream", "inet", "maxSegmentSize"],
    rule: "The smaller one of what both ends want is what either sends, its own options within.",
    pdpix: "600 600",
    async run(world) {
      const { libos, peer } = world;
      const server = listening(world, peer);
      peer.setsockopt(server.qd, "maxSegmentSize", 1000);
      const client = socket(world);
      libos.setsockopt(client, "maxSegmentSize", 600);
      const qt = libos.connect(client, server.address);
      const { qd } = await accepted(peer, server.qd);
      assertEquals(await ending(libos, qt), "connect");
      const sizes = [
        libos.getsockopt(client, "maxSegmentSize"),
        peer.getsockopt(qd, "maxSegmentSize"),
      ];
      return list(
        sizes.map((size) => size > 600 - OPTIONS_SIZE && size <= 600 ? "600" : String(size)),
      );
    },
  },
  {
    id: "names/no-descriptor",
    upstream: ["syscalls.c/getpeername"],
    needs: [],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF EBADF",
    run: ({ libos }) =>
      list([
        codes(NO_DESCRIPTORS, (qd) => libos.getsockname(qd)),
        codes(NO_DESCRIPTORS, (qd) => libos.getpeername(qd)),
      ]),
  },
  {
    id: "names/no-peer",
    needs: ["stream"],
    rule: "A socket that is not connected has no peer.",
    pdpix: "ENOTCONN ENOTCONN ENOTCONN",
    run(world) {
      const qds = [socket(world), bound(world).qd, listening(world).qd];
      return list(qds.map((qd) => code(() => world.libos.getpeername(qd))));
    },
  },
  {
    id: "names/peers",
    needs: ["stream"],
    rule: "The peer of an end that was connected is where the listener was bound, for both to see.",
    pdpix: "same same same",
    async run(world) {
      const { libos, peer } = world;
      const server = listening(world, peer);
      const client = bound(world);
      const qt = libos.connect(client.qd, server.address);
      const completion = await wait(peer, peer.accept(server.qd), 2000);
      await wait(libos, qt, 2000);
      if (completion.opcode !== "accept") return completion.opcode;
      const { accepted } = completion;
      return list([
        compare(libos.getpeername(client.qd), server.address),
        compare(peer.getsockname(accepted), server.address),
        compare(peer.getpeername(accepted), client.address),
      ]);
    },
  },
  {
    id: "names/closed",
    needs: ["stream", "end"],
    rule: "Both names stay when the peer has closed.",
    pdpix: "end same same",
    async run(world) {
      const { libos, peer } = world;
      const listener = listening(world, peer);
      const { qd, address } = bound(world);
      const qt = libos.connect(qd, listener.address);
      (await accepted(peer, listener.qd)).close();
      assertEquals(await ending(libos, qt), "connect");
      return list([
        await new End(libos, qd).receive(),
        names(libos, qd, address, listener.address),
      ]);
    },
  },
  {
    id: "names/reset-connected",
    needs: ["stream", "inet", "linger"],
    rule: "Both names stay when the peer has reset the connection.",
    pdpix: "same same ECONNRESET same same",
    async run(world) {
      const { libos, peer } = world;
      const listener = listening(world, peer);
      const { qd, address } = bound(world);
      const qt = libos.connect(qd, listener.address);
      const server = await accepted(peer, listener.qd);
      assertEquals(await ending(libos, qt), "connect");
      server.reset();
      const told = () => names(libos, qd, address, listener.address);
      return list([told(), await new End(libos, qd).receive(), told()]);
    },
  },
  {
    id: "names/reset-accepted",
    needs: ["stream", "inet", "linger"],
    rule: "One that was reset before it was accepted has both names all the same, and keeps them.",
    pdpix: "same same ECONNRESET same same",
    async run(world) {
      const { libos, peer } = world;
      const listener = listening(world);
      const client = bound(world, peer);
      const qt = peer.connect(client.qd, listener.address);
      assertEquals(await ending(peer, qt), "connect");
      new End(peer, client.qd).reset();
      const server = await accepted(libos, listener.qd);
      const told = () => names(libos, server.qd, listener.address, client.address);
      return list([told(), await server.receive(), told()]);
    },
  },
  {
    id: "names/unbound",
    needs: ["stream", "inet"],
    rule: "A socket that connects without an address is given one, which the peer sees.",
    pdpix: "ok same",
    compat: "getsockname is ENOSYS",
    async run(world) {
      const { a, b } = await connected(world);
      const answer = code(() => a.libos.getsockname(a.qd));
      if (answer !== "ok") return answer;
      return list([answer, compare(a.libos.getsockname(a.qd), b.libos.getpeername(b.qd))]);
    },
  },
  {
    id: "names/ref",
    needs: [],
    rule: "What is no open queue cannot keep the process alive.",
    pdpix: "EBADF EBADF",
    compat: "there is no such call",
    run: ({ libos }) =>
      list([
        codes(NO_DESCRIPTORS, (qd) => libos.ref(qd)),
        codes(NO_DESCRIPTORS, (qd) => libos.unref(qd)),
      ]),
  },
];
