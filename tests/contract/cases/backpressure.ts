/**
 * Back-pressure and fairness: what is not popped holds its sender back, and nobody starves.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { codes, ending, endings, list, tell } from "../answers.ts";
import type { Case } from "../case.ts";
import { type End, message, pattern } from "../end.ts";
import { waitNextN } from "../waits.ts";
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
    async run(world) {
      const { from, to } = await channel(world);
      const { blocked, gone } = await from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      await to.drain((gone + 1) * SIZE);
      return list(["pending", await ending(from.libos, blocked)]);
    },
  },
  {
    id: "backpressure/not-read-ahead",
    needs: ["channel", "bytes"],
    rule: "The libOS that receives holds no data that was not asked for.",
    pdpix: "0",
    compat: "catnap reads ahead without bound",
    async run(world) {
      const { from, to } = await channel(world);
      const before = to.libos.statistics().bufferBytes;
      const { blocked, gone } = await from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      from.libos.cancel(blocked);
      const held = to.libos.statistics().bufferBytes - before;
      await ending(from.libos, blocked);
      await to.drain(gone * SIZE);
      // What is cancelled half sent stays the libOS's until it is gone.
      return String(held <= (world.subject.readAhead ?? 2 * 65536) ? 0 : held);
    },
  },
  {
    id: "backpressure/whole",
    needs: ["channel"],
    rule: "Pushes that waited arrive whole and in order.",
    pdpix: "push push push push push push",
    async run(world) {
      const { from, to } = await channel(world);
      const { blocked, gone } = await from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      const later = Array.from({ length: 5 }, () => from.push(SIZE));
      const expected = pattern(SIZE);
      for (let i = 0; i < gone + 6; i++) assertEquals(await to.drain(SIZE), expected, `push ${i}`);
      return await endings(from.libos, [blocked, ...later]);
    },
  },
  {
    id: "backpressure/others",
    needs: ["channel"],
    rule: "A queue whose peer does not pop holds nobody else back.",
    pdpix: "data ECANCELED",
    async run(world) {
      const [stuck, free] = [await channel(world), await channel(world)];
      const { blocked } = await stuck.from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      await free.from.send("data");
      const answer = await free.to.receive();
      stuck.from.close();
      return list([answer, await ending(stuck.from.libos, blocked)]);
    },
  },
  {
    id: "backpressure/other-way",
    needs: ["channel", "duplex"],
    rule: "The other direction of the same queue is free.",
    pdpix: "data ECANCELED",
    async run(world) {
      const { from, to } = await channel(world);
      const { blocked } = await from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      await to.send("data");
      const answer = await from.receive();
      from.close();
      return list([answer, await ending(from.libos, blocked)]);
    },
  },
  {
    id: "backpressure/both-ways",
    needs: ["channel", "duplex"],
    rule: "Both directions may be full at once, and both go on.",
    pdpix: "push push",
    async run(world) {
      const { from, to } = await channel(world);
      const [one, other] = [await from.fill(SIZE, ENOUGH), await to.fill(SIZE, ENOUGH)];
      if (one.blocked === null || other.blocked === null) return "never pending";
      await to.drain((one.gone + 1) * SIZE);
      await from.drain((other.gone + 1) * SIZE);
      return list([await ending(from.libos, one.blocked), await ending(to.libos, other.blocked)]);
    },
  },
  {
    id: "backpressure/by-littles",
    needs: ["channel", "bytes"],
    rule: "Pops of a few bytes make room, too: what waits goes on, and nothing is lost.",
    pdpix: "push",
    async run(world) {
      const { from, to } = await channel(world);
      const { blocked, gone } = await from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      const expected = pattern(SIZE);
      for (let popped = 0; popped < (gone + 1) * SIZE;) {
        const bytes = await to.drain(Math.min(1000, SIZE - popped % SIZE));
        const at = popped % SIZE;
        assertEquals(bytes, expected.subarray(at, at + bytes.length));
        popped += bytes.length;
      }
      return await ending(from.libos, blocked);
    },
  },
  {
    id: "backpressure/bytes",
    needs: ["channel"],
    rule: "A queue tells how many bytes of its pushes the device did not take yet.",
    pdpix: "0 more 0",
    async run(world) {
      const { from, to } = await channel(world);
      const { libos, qd } = from;
      const waiting = () => libos.statistics(qd).pushBytes;
      const before = waiting();
      const { blocked, gone } = await from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      const later = [from.push(SIZE), from.push(SIZE)];
      const meanwhile = waiting() > 2 * SIZE && waiting() <= 3 * SIZE ? "more" : waiting();
      for (let i = 0; i < gone + 3; i++) await to.drain(SIZE);
      await endings(libos, [blocked, ...later]);
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
    async run(world) {
      const { from, to } = await channel(world);
      const { libos, qd } = from;
      const first = libos.tryPush(qd, message(libos, "data"), 0);
      const answer = await to.receive(4);
      const { blocked, gone } = await from.fill(SIZE, ENOUGH);
      if (blocked === null) return "never pending";
      const sga = message(libos, "data");
      const refused = libos.tryPush(qd, sga, 4);
      const taken = libos.tryPush(qd, message(libos, "data"), SIZE + 4);
      for (let i = 0; i <= gone; i++) await to.drain(SIZE);
      assertEquals(await ending(libos, blocked), "push");
      const second = await to.receive(4);
      await ending(libos, libos.push(qd, sga));
      return list([first, answer, refused, taken, second, await to.receive(4)].map(String));
    },
  },
  {
    id: "backpressure/try-push-arguments",
    needs: ["channel"],
    rule: "tryPush refuses a limit that is no number of 0 or more.",
    pdpix: "EINVAL",
    async run(world) {
      const { libos, qd } = (await channel(world)).from;
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
    async run(world) {
      const { from, to } = await channel(world);
      const count = () =>
        from.libos.statistics(from.qd).operations + to.libos.statistics(to.qd).operations;
      const counts = new Set([count()]);
      await from.send("data");
      counts.add(count());
      await to.receive();
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
    async run(world) {
      const [busy, quiet] = [await connected(world), await connected(world)];
      const pops = Array.from({ length: 1000 }, () => busy.b.pop(1));
      const one = quiet.b.pop(1);
      // Both have data before anything is polled.
      for (let i = 0; i < 1000; i++) busy.a.push(1);
      quiet.a.push(1);
      const order = await endingOrder([busy.b, busy.a], new Set([...pops, one]));
      return order.indexOf(one) < 1000 ? "before" : "after";
    },
  },
  {
    id: "fairness/many",
    needs: ["stream"],
    rule: "Of twenty busy queues none is through before each had something.",
    pdpix: "20",
    compat: "last in, first out within a batch",
    async run(world) {
      const owners = new Map<QToken, number>();
      const all = await Array.fromAsync({ length: 20 }, () => connected(world));
      for (const [i, { b }] of all.entries()) {
        for (let k = 0; k < 100; k++) owners.set(b.pop(1), i);
      }
      // In turns, since what arrives first may be served first.
      for (let k = 0; k < 100; k++) for (const { a } of all) a.push(1);
      const order = (await endingOrder([all[0]!.b, all[0]!.a], new Set(owners.keys()))).map((qt) =>
        owners.get(qt)!
      );
      const served = new Array<number>(20).fill(0);
      const firstThrough = order.findIndex((owner) => ++served[owner]! === 100);
      return String(new Set(order.slice(0, firstThrough + 1)).size);
    },
  },
];

/** Waits for everything, on both sides; gives the first side's tokens in the order in which they ended. */
async function endingOrder(
  [first, second]: readonly [End, End],
  qts: ReadonlySet<QToken>,
): Promise<QToken[]> {
  const order = await ended(first);
  // A native push is over at its own library's next poll, which may be after its bytes were popped.
  if (second.libos !== first.libos) await ended(second);
  return order.filter((qt) => qts.has(qt));
}

/** Waits for everything of a libOS. */
async function ended({ libos }: End): Promise<QToken[]> {
  const order: QToken[] = [];
  while (libos.statistics().tokens > 0) {
    const completions = await waitNextN(libos, 64, 2000);
    if (completions.length === 0) throw new Error("operations stay pending");
    completions.forEach(tell);
    order.push(...completions.map(({ qt }) => qt));
  }
  return order;
}
