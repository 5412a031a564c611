/**
 * Closing queues, and what is pending on them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { code, codes, ending, endings, list, NO_DESCRIPTORS } from "../answers.ts";
import type { Case } from "../case.ts";
import { message } from "../end.ts";
import { breathe, wait, waitAny } from "../waits.ts";
import { bound, channel, connected, connecting, listening, meet, socket } from "../world.ts";
import type { LibOS } from "../../../libos/pdpix.ts";

/** The most that is pushed to find out whether a channel is bounded. */
const ENOUGH = 1 << 27;

function closeTwice(libos: LibOS, qd: number): string {
  return list([code(() => libos.close(qd)), code(() => libos.close(qd))]);
}

/** See the module's description. */
export const CLOSE: readonly Case[] = [
  {
    id: "close/no-descriptor",
    upstream: [
      "tcp-test/close/invalid_queue_descriptor",
      "tcp-test/async_close/invalid_queue_descriptor",
      "tcp.rs/bad_close",
      "pipe-test/close/invalid_queue_descriptor",
      "pipe-test/async_close/invalid_queue_descriptor",
      "syscalls.c/close",
    ],
    needs: [],
    rule: "What is no open queue is refused.",
    pdpix: "EBADF",
    run: ({ libos }) => codes(NO_DESCRIPTORS, (qd) => libos.close(qd)),
  },
  {
    id: "close/unbound",
    upstream: ["tcp-test/close/unbound", "tcp-test/async_close/unbound"],
    needs: ["stream"],
    rule: "A socket without an address is closed, once.",
    pdpix: "ok EBADF",
    run: (world) => closeTwice(world.libos, socket(world)),
  },
  {
    id: "close/bound",
    upstream: ["tcp-test/close/bound", "tcp-test/async_close/bound"],
    needs: ["stream"],
    rule: "A bound socket is closed, once.",
    pdpix: "ok EBADF",
    run: (world) => closeTwice(world.libos, bound(world).qd),
  },
  {
    id: "close/listening",
    upstream: ["tcp-test/close/listening", "tcp-test/async_close/listening"],
    needs: ["stream"],
    rule: "A socket that listens is closed, once.",
    pdpix: "ok EBADF",
    run: (world) => closeTwice(world.libos, listening(world).qd),
  },
  {
    id: "close/twice",
    upstream: [
      "tcp-test/close/twice",
      "tcp-test/async_close/multiple_times_1",
      "pipe-test/close/twice",
      "pipe-test/async_close/multiple_times_1",
    ],
    needs: ["channel"],
    rule: "An open channel is closed, once, and that is over when the call returns.",
    pdpix: "ok EBADF",
    compat: "close blocks; async_close gives a token",
    async run(world) {
      const { from } = await channel(world);
      const before = world.libos.statistics().queues;
      const answer = closeTwice(from.libos, from.qd);
      assertEquals(world.libos.statistics().queues, before - 1);
      return answer;
    },
  },
  {
    id: "close/twice-pending",
    upstream: [
      "tcp-test/async_close/multiple_times_2",
      "tcp-test/async_close/multiple_times_3",
      "pipe-test/async_close/multiple_times_2",
      "pipe-test/async_close/multiple_times_3",
    ],
    needs: ["channel"],
    rule: "The second close changes nothing for what was pending at the first.",
    pdpix: "ok EBADF ECANCELED ECANCELED",
    compat: "the second token fails with EBADF, in both orders of waiting",
    async run(world) {
      const { to } = await channel(world);
      const pops = [to.pop(), to.pop()];
      return list([closeTwice(to.libos, to.qd), await endings(to.libos, pops.reverse())]);
    },
  },
  {
    id: "close/every-call",
    needs: ["channel"],
    rule: "Every call on a closed queue is refused, and takes no buffer.",
    pdpix: "EBADF",
    async run(world) {
      const { libos } = world;
      const { from: { qd } } = await channel(world);
      libos.close(qd);
      using sga = message(libos, "stays");
      const address = { hostname: "127.0.0.1", port: 1 };
      const calls = [
        () => libos.bind(qd, address),
        () => libos.listen(qd),
        () => libos.accept(qd),
        () => libos.connect(qd, address),
        () => libos.close(qd),
        () => libos.shutdown(qd, "write"),
        () => libos.getsockname(qd),
        () => libos.getpeername(qd),
        () => libos.setsockopt(qd, "linger", 0),
        () => libos.getsockopt(qd, "linger"),
        () => libos.ref(qd),
        () => libos.unref(qd),
        () => libos.push(qd, sga),
        () => libos.pushTo(qd, sga, address),
        () => libos.tryPush(qd, sga, 0),
        () => libos.pop(qd),
        () => libos.statistics(qd),
        () => libos.operations.accept(qd),
        () => libos.operations.connect(qd, address),
        () => libos.operations.push(qd, sga),
        () => libos.operations.pushTo(qd, sga, address),
        () => libos.operations.pop(qd),
      ];
      return codes(calls, (call) => call());
    },
  },
  {
    id: "close/pending-pops",
    needs: ["channel"],
    rule: "Pops that wait are cancelled.",
    pdpix: "ECANCELED ECANCELED",
    compat: "EBADF EBADF",
    async run(world) {
      const { to } = await channel(world);
      const pops = [to.pop(), to.pop()];
      to.close();
      return await endings(to.libos, pops);
    },
  },
  {
    id: "close/pending-pushes",
    needs: ["channel"],
    rule: "Pushes that wait are cancelled, and their buffers come back.",
    pdpix: "ECANCELED ECANCELED 0",
    compat: "EBADF EBADF",
    async run(world) {
      const { from, to } = await channel(world);
      const before = from.libos.statistics().buffers;
      const { blocked } = await from.fill(1 << 16, ENOUGH);
      if (blocked === null) return "never pending";
      const later = from.push("later");
      from.close();
      const answer = await endings(from.libos, [blocked, later]);
      await breathe(from.libos);
      // A stack holds what arrived, and nobody popped, itself.
      if (from.libos.statistics().buffers > before) await to.drain();
      return list([answer, String(from.libos.statistics().buffers - before)]);
    },
  },
  {
    id: "close/pending-accept",
    upstream: [
      "tcp-test/wait/after_close_accepting_socket",
      "tcp-test/wait/after_async_close_accepting_socket",
      "tcp-test/wait/accept_before_async_close",
    ],
    needs: ["stream"],
    rule: "An accept that waits is cancelled, whether it is waited for before or after.",
    pdpix: "ECANCELED",
    compat: "one of EBADF ECANCELED ECONNREFUSED ECONNABORTED EADDRNOTAVAIL",
    async run(world) {
      const { libos } = world;
      const { qd } = listening(world);
      const qt = libos.accept(qd);
      assertEquals(await ending(libos, qt, undefined, 0), "pending");
      libos.close(qd);
      return await ending(libos, qt);
    },
  },
  {
    id: "close/pending-connect",
    upstream: [
      "tcp-test/wait/after_close_connecting_socket",
      "tcp-test/wait/after_async_close_connecting_socket",
      "tcp-test/wait/connect_before_async_close",
    ],
    needs: ["stream"],
    rule: "A connect that waits is cancelled.",
    pdpix: "ECANCELED",
    compat: "one of EBADF ECANCELED ECONNREFUSED ECONNABORTED EADDRNOTAVAIL",
    async run(world) {
      const { libos } = world;
      const { qd, qt } = await connecting(world);
      libos.close(qd);
      return await ending(libos, qt);
    },
  },
  {
    id: "close/over-before",
    needs: ["channel"],
    rule: "What was over before the close keeps its result.",
    pdpix: "pop ECANCELED",
    async run(world) {
      const { from, to } = await channel(world);
      const pops = [to.pop(), to.pop()] as const;
      await from.send("data");
      // The second is still pending when the first is known to be over.
      const first = await waitAny(to.libos, [pops[0]], 2000);
      if (first.opcode === "pop") first.sga?.free();
      to.close();
      return list([first.opcode, await ending(to.libos, pops[1])]);
    },
  },
  {
    id: "close/completions",
    needs: ["channel"],
    rule:
      "A completion names the queue and the token that it was asked with, though both are gone.",
    pdpix: "failed pop",
    async run(world) {
      const { to } = await channel(world);
      const qt = to.pop();
      to.close();
      const completion = await wait(to.libos, qt, 2000);
      assertEquals([completion.qd, completion.qt], [to.qd, qt]);
      if (completion.opcode !== "failed") return completion.opcode;
      const { error } = completion;
      assertEquals([error.code, error.errno, error.qd], ["ECANCELED", 125, to.qd]);
      return list([completion.opcode, error.operation]);
    },
  },
  {
    id: "close/descriptor-again",
    needs: ["channel"],
    rule: "A token of a closed queue stays its own when another queue gets the descriptor.",
    pdpix: "ECANCELED data",
    async run(world) {
      const { to } = await channel(world);
      const old = to.pop();
      to.close();
      const next = await channel(world);
      const pop = next.to.pop();
      await next.from.send("data");
      return list([await ending(to.libos, old), await next.to.told(pop)]);
    },
  },
  {
    id: "close/sends-all",
    needs: ["channel", "end"],
    rule: "What was pushed before the close arrives, and then the end.",
    pdpix: "20000 end",
    async run(world) {
      const { from, to } = await channel(world);
      for (let i = 0; i < 20; i++) await from.send(1000);
      from.close();
      return list([String((await to.drain()).length), await to.receive()]);
    },
  },
  {
    id: "close/sends-what-waits",
    needs: ["stream", "end"],
    rule:
      "Pushes that were over arrive, however little the peer had read when the queue was closed.",
    pdpix: "all ECANCELED",
    async run(world) {
      const { a, b } = await connected(world);
      const { blocked, gone } = await a.fill(1 << 16, ENOUGH);
      if (blocked === null) return "never pending";
      a.close();
      const { length } = await b.drain(gone << 16);
      const all = length === gone << 16 ? "all" : String(length);
      return list([all, await ending(a.libos, blocked)]);
    },
  },
  {
    id: "close/crossing",
    needs: ["stream", "duplex"],
    rule: "Both ends may close at once, with pops pending.",
    pdpix: "ECANCELED ECANCELED",
    async run(world) {
      const { a, b } = await connected(world);
      const pops = [a.pop(), b.pop()] as const;
      a.close();
      b.close();
      return list([await ending(a.libos, pops[0]), await ending(b.libos, pops[1])]);
    },
  },
  {
    id: "close/others",
    needs: ["channel"],
    rule: "Other queues go on as they were.",
    pdpix: "data",
    async run(world) {
      const [one, other] = [await channel(world), await channel(world)];
      const pop = other.to.pop();
      one.from.close();
      await other.from.send("data");
      return await other.to.told(pop);
    },
  },
  {
    id: "close/address-again",
    upstream: ["tcp.rs/connection_setup"],
    needs: ["stream"],
    rule: "The address of a closed listener can listen again at once.",
    pdpix: "ok ok",
    run(world) {
      const { libos } = world;
      const { qd, address } = listening(world);
      libos.close(qd);
      const again = socket(world);
      return list([
        code(() => libos.bind(again, address)),
        code(() => libos.listen(again, 16)),
      ]);
    },
  },
  {
    id: "close/reuse-address",
    needs: ["stream", "inet", "end", "reuseAddress"],
    rule:
      "With reuseAddress so can that of one whose connections were closed here first, and remain in TIME-WAIT.",
    pdpix: "end data",
    async run(world) {
      const { libos } = world;
      const listener = bound(world);
      libos.setsockopt(listener.qd, "reuseAddress", true);
      libos.listen(listener.qd);
      const { client, server } = await meet(world, listener);
      server.close();
      libos.close(listener.qd);
      const end = await client.receive();
      client.close();
      const again = { qd: socket(world), address: listener.address };
      libos.setsockopt(again.qd, "reuseAddress", true);
      libos.bind(again.qd, again.address);
      libos.listen(again.qd);
      const next = await meet(world, again);
      await next.client.send("data");
      return list([end, await next.server.receive()]);
    },
  },
];
