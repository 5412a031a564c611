/**
 * Accepting connections.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codeLater, codes, ending, endings, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { End } from "../end.ts";
import { wait, waitAll } from "../waits.ts";
import {
  accepted,
  bound,
  connected,
  connecting,
  listening,
  meet,
  socket,
  type World,
} from "../world.ts";
import type { SocketAddress } from "../../../libos/pdpix.ts";

/** Connects from the other side; gives the end that connected. */
async function dial(world: World, address: SocketAddress): Promise<End> {
  const end = new End(world.peer, socket(world, world.peer));
  assertEquals(await ending(end.libos, end.libos.connect(end.qd, address)), "connect");
  return end;
}

/** See the module's description. */
export const ACCEPT: readonly Case[] = [
  {
    id: "accept/no-descriptor",
    upstream: [
      "tcp-test/accept/invalid_queue_descriptor",
      "tcp.rs/bad_accept",
      "syscalls.c/accept",
    ],
    needs: [],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF",
    run: ({ libos }) => codes(NO_DESCRIPTORS, (qd) => libos.accept(qd)),
  },
  {
    id: "accept/closed",
    upstream: ["tcp-test/accept/closed"],
    needs: ["stream"],
    rule: "A closed socket is refused.",
    pdpix: "EBADF",
    run(world) {
      const { qd } = listening(world);
      world.libos.close(qd);
      return code(() => world.libos.accept(qd));
    },
  },
  {
    id: "accept/unbound",
    upstream: ["tcp-test/accept/unbound"],
    needs: ["stream"],
    rule: "A socket without an address does not listen.",
    pdpix: "EINVAL",
    run: (world) => code(() => world.libos.accept(socket(world))),
  },
  {
    id: "accept/bound",
    upstream: ["tcp-test/accept/active"],
    needs: ["stream"],
    rule: "A bound socket does not listen yet.",
    pdpix: "EINVAL",
    run: (world) => code(() => world.libos.accept(bound(world).qd)),
  },
  {
    id: "accept/connecting",
    upstream: ["tcp-test/accept/connecting"],
    needs: ["stream"],
    rule: "A socket that connects does not listen.",
    pdpix: "EINVAL",
    compat: "EINVAL or EBADF",
    async run(world) {
      const { libos } = world;
      const { qd, qt } = await connecting(world);
      const answer = code(() => libos.accept(qd));
      libos.close(qd);
      await ending(libos, qt);
      return answer;
    },
  },
  {
    id: "accept/connected",
    needs: ["stream"],
    rule: "A connected socket does not listen.",
    pdpix: "EINVAL",
    run: async (world) =>
      await codeLater(async () => world.libos.accept((await connected(world)).a.qd)),
  },
  {
    id: "accept/listening",
    upstream: ["tcp-test/accept/listening"],
    needs: ["stream"],
    rule: "It waits for a connection, for ever; closing the socket cancels it.",
    pdpix: "pending ECANCELED",
    compat: "ETIMEDOUT at once and after 120 s; EBADF",
    async run(world) {
      const { libos } = world;
      const { qd } = listening(world);
      const qt = libos.accept(qd);
      const pending = await ending(libos, qt, undefined, 0);
      libos.close(qd);
      return list([pending, await ending(libos, qt)]);
    },
  },
  {
    id: "accept/connection",
    upstream: ["tcp.rs/establish_connection_bound"],
    needs: ["stream", "duplex"],
    rule: "It gives a queue of its own, that carries data both ways.",
    pdpix: "ping pong",
    async run(world) {
      const { libos } = world;
      const listener = listening(world);
      const { qd } = listener;
      const { client, server } = await meet(world, listener);
      assertEquals(server.qd === qd || (world.peer === libos && server.qd === client.qd), false);
      await client.send("ping");
      await server.send("pong");
      return list([await server.receive(), await client.receive()]);
    },
  },
  {
    id: "accept/before-connection",
    needs: ["stream"],
    rule: "Several may wait; each gets one connection, in the order of the connections.",
    pdpix: "first second third",
    async run(world) {
      const { libos } = world;
      const { qd, address } = listening(world);
      const accepts = Array.from({ length: 3 }, () => libos.accept(qd));
      for (const text of ["first", "second", "third"]) {
        await (await dial(world, address)).send(text);
      }
      return list(
        await Array.fromAsync(
          await waitAll(libos, accepts, 2000),
          async (completion) =>
            completion.opcode === "accept"
              ? await new End(libos, completion.accepted).receive()
              : completion.opcode,
        ),
      );
    },
  },
  {
    id: "accept/after-connection",
    needs: ["stream"],
    rule: "Connections that wait are accepted first in, first out.",
    pdpix: "first second third",
    async run(world) {
      const { qd, address } = listening(world);
      for (const text of ["first", "second", "third"]) {
        await (await dial(world, address)).send(text);
      }
      return list(
        await Array.fromAsync(
          { length: 3 },
          async () => await (await accepted(world.libos, qd)).receive(),
        ),
      );
    },
  },
  {
    id: "accept/cancel",
    needs: ["stream"],
    rule: "One that was cancelled takes no connection from the next one.",
    pdpix: "ECANCELED data",
    async run(world) {
      const { libos } = world;
      const { qd, address } = listening(world);
      const [cancelled, next] = [libos.accept(qd), libos.accept(qd)];
      libos.cancel(cancelled);
      await (await dial(world, address)).send("data");
      const answer = await ending(libos, cancelled);
      const completion = await wait(libos, next, 2000);
      if (completion.opcode !== "accept") return list([answer, completion.opcode]);
      return list([answer, await new End(libos, completion.accepted).receive()]);
    },
  },
  {
    id: "accept/gone",
    needs: ["stream", "end"],
    rule: "A connection that the peer closed in the backlog is accepted, with what was sent.",
    pdpix: "last end",
    async run(world) {
      const { qd, address } = listening(world);
      const client = await dial(world, address);
      await client.send("last");
      client.close();
      const server = await accepted(world.libos, qd);
      return list([await server.receive(), await server.receive()]);
    },
  },
  {
    id: "accept/listener-closed",
    needs: ["stream"],
    rule: "Accepted connections outlive the socket that listened; waiting accepts do not.",
    pdpix: "ECANCELED ECANCELED data",
    async run(world) {
      const { libos } = world;
      const listener = listening(world);
      const { qd } = listener;
      const { client, server } = await meet(world, listener);
      const accepts = [libos.accept(qd), libos.accept(qd)];
      libos.close(qd);
      await client.send("data");
      return list([await endings(libos, accepts), await server.receive()]);
    },
  },
];
