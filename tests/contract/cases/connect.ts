/**
 * Making connections.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codes, ending, endingNow, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { End } from "../end.ts";
import {
  accepted,
  bound,
  connected,
  connecting,
  connectTo,
  freeAddress,
  listening,
  socket,
  type World,
} from "../world.ts";
import { NO_ADDRESSES } from "./bind.ts";

/** Connects a socket to a listener, and sends one text over it. */
async function exchange(world: World, qd: number): Promise<string> {
  const { libos, peer } = world;
  const listener = listening(world, peer);
  let qt = -1;
  const started = code(() => qt = libos.connect(qd, listener.address));
  if (started !== "ok") return started;
  // Some are connected before they are accepted, some when they are.
  const early = await endingNow(libos, qt);
  if (early !== "connect" && early !== "pending") return early;
  const server = await accepted(peer, listener.qd);
  const answer = early === "pending" ? await ending(libos, qt) : early;
  await new End(libos, qd).send("data");
  return list([answer, await server.receive()]);
}

/** See the module's description. */
export const CONNECT: readonly Case[] = [
  {
    id: "connect/no-descriptor",
    upstream: [
      "tcp-test/connect/invalid_queue_descriptor",
      "tcp.rs/bad_connect",
      "syscalls.c/connect",
    ],
    needs: ["stream"],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF",
    run: (world) => codes(NO_DESCRIPTORS, (qd) => world.libos.connect(qd, freeAddress(world))),
  },
  {
    id: "connect/closed",
    upstream: ["tcp-test/connect/closed"],
    needs: ["stream"],
    rule: "A closed socket is refused.",
    pdpix: "EBADF",
    run(world) {
      const { address } = listening(world, world.peer);
      const qd = socket(world);
      world.libos.close(qd);
      return code(() => world.libos.connect(qd, address));
    },
  },
  {
    id: "connect/unbound",
    upstream: ["tcp-test/connect/unbound", "tcp.rs/establish_connection_unbound"],
    needs: ["stream"],
    rule: "A socket needs no address to connect.",
    pdpix: "connect data",
    run: (world) => exchange(world, socket(world)),
  },
  {
    id: "connect/bound",
    upstream: ["tcp-test/connect/bound"],
    needs: ["stream"],
    rule: "A socket that has an address keeps it.",
    pdpix: "connect data",
    async run(world) {
      const { qd, address } = bound(world);
      const answer = await exchange(world, qd);
      assertEquals(world.libos.getsockname(qd), address);
      return answer;
    },
  },
  {
    id: "connect/nobody",
    upstream: ["tcp-test/connect/to_bad_remote"],
    needs: ["stream", "inet"],
    rule: "The wildcard address and port 0 are nobody's: the connection fails, and soon.",
    pdpix: "fails",
    compat: "an errno of the network within 75 s",
    async run(world) {
      const address = { hostname: world.subject.stream!.wildcard!, port: 0 };
      const answer = await connectTo(world, socket(world), address);
      const expected = ["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH", "EHOSTUNREACH"];
      return expected.includes(answer) ? "fails" : answer;
    },
  },
  {
    id: "connect/refused",
    needs: ["stream"],
    rule: "Where nobody listens it is refused.",
    pdpix: "ECONNREFUSED",
    async run(world) {
      const { address } = bound(world, world.peer);
      return await connectTo(world, socket(world), address);
    },
  },
  {
    id: "connect/again",
    needs: ["stream"],
    rule: "A socket whose connection was refused can connect anew.",
    pdpix: "ECONNREFUSED connect data",
    compat: "the socket is of no use any more",
    async run(world) {
      const qd = socket(world);
      const { address } = bound(world, world.peer);
      return list([await connectTo(world, qd, address), await exchange(world, qd)]);
    },
  },
  {
    id: "connect/gone",
    needs: ["stream"],
    rule:
      "Where somebody listened, and has closed, it is refused, and the socket can connect anew.",
    pdpix: "ECONNREFUSED connect data",
    compat: "the socket is of no use any more",
    async run(world) {
      const { qd: listener, address } = listening(world, world.peer);
      world.peer.close(listener);
      const qd = socket(world);
      return list([await connectTo(world, qd, address), await exchange(world, qd)]);
    },
  },
  {
    id: "connect/listening",
    upstream: ["tcp-test/connect/listening"],
    needs: ["stream"],
    rule: "A socket that listens cannot connect.",
    pdpix: "ENOTSUP",
    compat: "EOPNOTSUPP, the same number",
    run(world) {
      const { address } = listening(world, world.peer);
      return code(() => world.libos.connect(listening(world).qd, address));
    },
  },
  {
    id: "connect/accepting",
    upstream: ["tcp-test/connect/accepting"],
    needs: ["stream"],
    rule: "A socket that accepts cannot connect, and goes on to accept.",
    pdpix: "ENOTSUP ECANCELED",
    compat: "EOPNOTSUPP EBADF",
    async run(world) {
      const { libos } = world;
      const { qd } = listening(world);
      const qt = libos.accept(qd);
      const { address } = listening(world, world.peer);
      const answer = code(() => libos.connect(qd, address));
      libos.close(qd);
      return list([answer, await ending(libos, qt)]);
    },
  },
  {
    id: "connect/connecting",
    upstream: ["tcp-test/connect/connecting"],
    needs: ["stream"],
    rule: "A socket makes one connection at a time.",
    pdpix: "EINPROGRESS",
    async run(world) {
      const { libos } = world;
      const { qd, qt } = await connecting(world);
      const { address } = listening(world, world.peer);
      const answer = code(() => libos.connect(qd, address));
      libos.close(qd);
      await ending(libos, qt);
      return answer;
    },
  },
  {
    id: "connect/connected",
    needs: ["stream"],
    rule: "A connected socket cannot connect again, and stays connected.",
    pdpix: "EISCONN data",
    async run(world) {
      const { a, b } = await connected(world);
      const { address } = listening(world, world.peer);
      const answer = code(() => world.libos.connect(a.qd, address));
      await a.send("data");
      return list([answer, await b.receive()]);
    },
  },
  {
    id: "connect/no-address",
    needs: ["stream", "inet"],
    rule: "What is no address is refused.",
    pdpix: "EINVAL",
    run(world) {
      const qd = socket(world);
      return [
        ...new Set(NO_ADDRESSES.map((address) => code(() => world.libos.connect(qd, address)))),
      ].join(" ");
    },
  },
  {
    id: "connect/stranger",
    needs: ["stream"],
    rule: "An address of another family is refused, and the socket can still connect.",
    pdpix: "EAFNOSUPPORT connect data",
    compat: "EINVAL",
    async run(world) {
      const qd = socket(world);
      const answer = code(() => world.libos.connect(qd, world.subject.stream!.stranger));
      return list([answer, await exchange(world, qd)]);
    },
  },
  {
    id: "connect/cancel",
    needs: ["stream"],
    rule: "It can be cancelled, and the socket can connect anew.",
    pdpix: "ECANCELED connect data",
    compat: "there is no cancelling",
    async run(world) {
      const { libos } = world;
      const { qd, qt } = await connecting(world);
      libos.cancel(qt);
      return list([await ending(libos, qt), await exchange(world, qd)]);
    },
  },
];
