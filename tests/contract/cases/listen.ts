/**
 * Listening.
 *
 * @module
 */

import { code, codes, ending, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { End } from "../end.ts";
import { accepted, bound, connected, connecting, listening, socket } from "../world.ts";

/** See the module's description. */
export const LISTEN: readonly Case[] = [
  {
    id: "listen/no-descriptor",
    upstream: ["tcp-test/listen/invalid_queue_descriptor", "tcp.rs/bad_listen"],
    needs: [],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF",
    run: ({ libos }) => codes(NO_DESCRIPTORS, (qd) => libos.listen(qd, 1)),
  },
  {
    id: "listen/closed",
    upstream: ["tcp-test/listen/closed"],
    needs: ["stream"],
    rule: "A closed socket is refused.",
    pdpix: "EBADF",
    run(world) {
      const { qd } = bound(world);
      world.libos.close(qd);
      return code(() => world.libos.listen(qd, 1));
    },
  },
  {
    id: "listen/unbound",
    upstream: ["tcp-test/listen/unbound"],
    needs: ["stream"],
    rule: "A socket needs an address to listen.",
    pdpix: "EDESTADDRREQ",
    run: (world) => code(() => world.libos.listen(socket(world), 1)),
  },
  {
    id: "listen/bound",
    upstream: ["tcp-test/listen/bound"],
    needs: ["stream"],
    rule: "A bound socket listens, with the default backlog too.",
    pdpix: "ok ok",
    run: (world) =>
      list([
        code(() => world.libos.listen(bound(world).qd, 16)),
        code(() => world.libos.listen(bound(world).qd)),
      ]),
  },
  {
    id: "listen/backlog",
    upstream: ["tcp-test/listen/large_backlog"],
    needs: ["stream"],
    rule: "A backlog is 1 to 65535; what the device cannot hold, it may cut.",
    pdpix: "ok",
    compat: "ok; cut at 4096",
    run: (world) =>
      codes([1, 4096, 4097, 65535], (backlog) => world.libos.listen(bound(world).qd, backlog)),
  },
  {
    id: "listen/no-backlog",
    upstream: ["tcp-test/listen/zero_backlog", "syscalls.c/listen"],
    needs: ["stream"],
    rule: "Every other backlog is refused, and the socket may still listen.",
    pdpix: "EINVAL ok",
    compat: "EINVAL in C; 0 is taken for 1 in Rust",
    run(world) {
      const { qd } = bound(world);
      const wrong = [0, -1, 65536, 1.5, NaN, Infinity, "16", null] as number[];
      return list([
        codes(wrong, (backlog) => world.libos.listen(qd, backlog)),
        code(() => world.libos.listen(qd, 16)),
      ]);
    },
  },
  {
    id: "listen/listening",
    upstream: ["tcp-test/listen/listening"],
    needs: ["stream"],
    rule: "A socket listens once.",
    pdpix: "EADDRINUSE",
    run: (world) => code(() => world.libos.listen(listening(world).qd, 16)),
  },
  {
    id: "listen/accepting",
    upstream: ["tcp-test/listen/accepting"],
    needs: ["stream"],
    rule: "A socket that accepts listens already, and goes on to accept.",
    pdpix: "EADDRINUSE pending",
    async run(world) {
      const { libos } = world;
      const { qd } = listening(world);
      const accept = libos.accept(qd);
      const answer = code(() => libos.listen(qd, 16));
      const pending = await ending(libos, accept, undefined, 0);
      libos.close(qd);
      await ending(libos, accept);
      return list([answer, pending]);
    },
  },
  {
    id: "listen/connecting",
    upstream: ["tcp-test/listen/connecting"],
    needs: ["stream"],
    rule: "A socket that connects cannot listen.",
    pdpix: "EADDRINUSE",
    compat: "EADDRINUSE, or EBADF if it is over already",
    async run(world) {
      const { libos } = world;
      const { qd, qt } = await connecting(world);
      const answer = code(() => libos.listen(qd, 16));
      libos.close(qd);
      await ending(libos, qt);
      return answer;
    },
  },
  {
    id: "listen/connected",
    needs: ["stream"],
    rule: "A connected socket cannot listen, and stays connected.",
    pdpix: "EISCONN data",
    async run(world) {
      const { a, b } = await connected(world);
      const answer = code(() => world.libos.listen(a.qd, 16));
      await a.send("data");
      return list([answer, await b.receive()]);
    },
  },
  {
    id: "listen/takes-connections",
    needs: ["stream"],
    rule: "A connection can be made before anybody accepts it.",
    pdpix: "connect data",
    async run(world) {
      const { libos, peer } = world;
      const { qd, address } = listening(world);
      const client = socket(world, peer);
      const answer = await ending(peer, peer.connect(client, address));
      const server = await accepted(libos, qd);
      await new End(peer, client).send("data");
      return list([answer, await server.receive()]);
    },
  },
];
