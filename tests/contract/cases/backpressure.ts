/**
 * Back-pressure and fairness: what is not popped holds its sender back, and nobody starves.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { codes, ending, endings, list, tell } from "../answers.ts";
import type { Case } from "../case.ts";
import { type End, message, pattern } from "../end.ts";
import { channel, connected } from "../world.ts";
import type { QToken } from "../../../libos/pdpix.ts";

/** The most that is pushed to find out whether a channel is bounded. */
const ENOUGH = 1 << 27;
const SIZE = 40_000;

/** See the module's description. */
export const BACKPRESSURE: readonly Case[] = [
  {
    id: "backpressure/bounded",
    needs: ["channel"],
    rule: "When nobody pops, a push stays pending at last; it ends when there is room.",
    pdpix: "pending push",
    compat: "catnap reads ahead without bound",
    run(world) {
      const { from, to } = channel(world);
      const { blocked, gone } = from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      to.drain((gone + 1) * SIZE);
      return list(["pending", ending(from.libos, blocked)]);
    },
  },
  {
    id: "backpressure/not-read-ahead",
    needs: ["channel", "bytes"],
    rule: "The libOS that receives holds no data that was not asked for.",
    pdpix: "0",
    compat: "catnap reads ahead without bound",
    run(world) {
      const { from, to } = channel(world);
      const before = to.libos.statistics().bufferBytes;
      const { blocked, gone } = from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      from.libos.cancel(blocked);
      const held = to.libos.statistics().bufferBytes - before;
      ending(from.libos, blocked);
      to.drain(gone * SIZE);
      // What is cancelled half sent stays the libOS's until it is gone.
      return String(held <= (world.subject.readAhead ?? 2 * 65536) ? 0 : held);
    },
  },
  {
    id: "backpressure/whole",
    needs: ["channel"],
    rule: "Pushes that waited arrive whole and in order.",
    pdpix: "push push push push push push",
    run(world) {
      const { from, to } = channel(world);
      const { blocked, gone } = from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      const later = Array.from({ length: 5 }, () => from.push(SIZE));
      const expected = pattern(SIZE);
      for (let i = 0; i < gone + 6; i++) assertEquals(to.drain(SIZE), expected, `push ${i}`);
      return endings(from.libos, [blocked, ...later]);
    },
  },
  {
    id: "backpressure/others",
    needs: ["channel"],
    rule: "A queue whose peer does not pop holds nobody else back.",
    pdpix: "data ECANCELED",
    run(world) {
      const [stuck, free] = [channel(world), channel(world)];
      const { blocked } = stuck.from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      free.from.send("data");
      const answer = free.to.receive();
      stuck.from.close();
      return list([answer, ending(stuck.from.libos, blocked)]);
    },
  },
  {
    id: "backpressure/other-way",
    needs: ["channel", "duplex"],
    rule: "The other direction of the same queue is free.",
    pdpix: "data ECANCELED",
    run(world) {
      const { from, to } = channel(world);
      const { blocked } = from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      to.send("data");
      const answer = from.receive();
      from.close();
      return list([answer, ending(from.libos, blocked)]);
    },
  },
  {
    id: "backpressure/bytes",
    needs: ["channel"],
    rule: "A queue tells how many bytes of its pushes the device did not take yet.",
    pdpix: "0 more 0",
    run(world) {
      const { from, to } = channel(world);
      const { libos, qd } = from;
      const waiting = () => libos.statistics(qd).pushBytes;
      const before = waiting();
      const { blocked, gone } = from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      const later = [from.push(SIZE), from.push(SIZE)];
      const meanwhile = waiting() > 2 * SIZE && waiting() <= 3 * SIZE ? "more" : waiting();
      for (let i = 0; i < gone + 3; i++) to.drain(SIZE);
      endings(libos, [blocked, ...later]);
      return list([String(before), String(meanwhile), String(waiting())]);
    },
  },
  {
    id: "backpressure/try-push",
    needs: ["channel"],
    rule:
      "tryPush takes an sga where nothing waits, or within its limit; else it says no, and leaves the sga " +
      "with the caller.",
    pdpix: "true data false true data data",
    run(world) {
      const { from, to } = channel(world);
      const { libos, qd } = from;
      const first = libos.tryPush(qd, message(libos, "data"), 0);
      const answer = to.receive(4);
      const { blocked, gone } = from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      const sga = message(libos, "data");
      const refused = libos.tryPush(qd, sga, 4);
      const taken = libos.tryPush(qd, message(libos, "data"), SIZE + 4);
      for (let i = 0; i <= gone; i++) to.drain(SIZE);
      assertEquals(ending(libos, blocked), "push");
      const second = to.receive(4);
      ending(libos, libos.push(qd, sga));
      return list([first, answer, refused, taken, second, to.receive(4)].map(String));
    },
  },
  {
    id: "backpressure/try-push-arguments",
    needs: ["channel"],
    rule: "tryPush refuses a limit that is no number of 0 or more.",
    pdpix: "EINVAL",
    run(world) {
      const { libos, qd } = channel(world).from;
      using sga = message(libos, "data");
      return codes(
        [-1, NaN, undefined as unknown as number],
        (limit) => libos.tryPush(qd, sga, limit),
      );
    },
  },
  {
    id: "backpressure/used",
    needs: ["channel"],
    rule: "A queue tells that it is used: what it counts changes with each operation.",
    pdpix: "3",
    run(world) {
      const { from, to } = channel(world);
      const count = () =>
        from.libos.statistics(from.qd).operations + to.libos.statistics(to.qd).operations;
      const counts = new Set([count()]);
      from.send("data");
      counts.add(count());
      to.receive();
      counts.add(count());
      return String(counts.size);
    },
  },
  {
    id: "fairness/busy",
    needs: ["stream"],
    rule: "A queue with a thousand pops to serve lets another have its turn before it is through.",
    pdpix: "before",
    compat: "last in, first out within a batch",
    run(world) {
      const [busy, quiet] = [connected(world), connected(world)];
      const pops = Array.from({ length: 1000 }, () => busy.b.pop(1));
      const one = quiet.b.pop(1);
      // Both have data before anything is polled.
      for (let i = 0; i < 1000; i++) busy.a.push(1);
      quiet.a.push(1);
      const order = endingOrder([busy.b, busy.a], new Set([...pops, one]));
      return order.indexOf(one) < 1000 ? "before" : "after";
    },
  },
  {
    id: "fairness/many",
    needs: ["stream"],
    rule: "Of twenty busy queues none is through before each had something.",
    pdpix: "20",
    compat: "last in, first out within a batch",
    run(world) {
      const owners = new Map<QToken, number>();
      const all = Array.from({ length: 20 }, () => connected(world));
      for (const [i, { b }] of all.entries()) {
        for (let k = 0; k < 100; k++) owners.set(b.pop(1), i);
      }
      // In turns, since what arrives first may be served first.
      for (let k = 0; k < 100; k++) for (const { a } of all) a.push(1);
      const order = endingOrder([all[0]!.b, all[0]!.a], new Set(owners.keys())).map((qt) =>
        owners.get(qt)!
      );
      const served = new Array<number>(20).fill(0);
      const firstThrough = order.findIndex((owner) => ++served[owner]! === 100);
      return String(new Set(order.slice(0, firstThrough + 1)).size);
    },
  },
];

/** Waits for everything, on both sides; gives the first side's tokens in the order in which they ended. */
function endingOrder([first, second]: readonly [End, End], qts: ReadonlySet<QToken>): QToken[] {
  const order: QToken[] = [];
  while (first.libos.statistics().tokens > 0) {
    const completions = first.libos.waitNextN(64, 2000);
    if (completions.length === 0) throw new Error("operations stay pending");
    completions.forEach(tell);
    order.push(...completions.map(({ qt }) => qt));
  }
  second.libos.waitNextN(10_000, 0).forEach(tell);
  return order.filter((qt) => qts.has(qt));
}
