/**
 * Waiting for several tokens, and for any at all.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  code,
  codeLater,
  codes,
  ending,
  endings,
  list,
  NO_TOKENS,
  pollAll,
  tell,
  text,
  WAIT,
} from "../answers.ts";
import type { Case } from "../case.ts";
import { type End, textOf } from "../end.ts";
import { breathe, wait, waitAll, waitAny, waitNextN } from "../waits.ts";
import { channel, type World } from "../world.ts";
import type { Operation, Sga } from "../../../libos/pdpix.ts";

/** Several channels. */
async function channels(world: World, length: number): Promise<{ from: End; to: End }[]> {
  return await Array.fromAsync({ length }, () => channel(world));
}

/** So many polls are enough for any libOS to end what it can. */
const PATIENCE = 1000;

/** See the module's description. */
export const WAIT_MANY: readonly Case[] = [
  {
    id: "waitAny/no-token",
    upstream: ["syscalls.c/wait_any"],
    needs: ["channel"],
    rule: "One token that is none is refused, and none is used up.",
    pdpix: "EINVAL push",
    compat: "tokens are looked at in order: one that is over before the wrong one wins",
    async run(world) {
      const { from } = await channel(world);
      const qt = from.push("data");
      pollAll(from.libos);
      const answer = codes(NO_TOKENS, (wrong) => from.libos.waitAny([qt, wrong], 0));
      return list([answer, await ending(from.libos, qt)]);
    },
  },
  {
    id: "waitAny/none",
    needs: [],
    rule: "Of no tokens none is ever over: the question is refused.",
    pdpix: "EINVAL",
    compat: "polls until ETIMEDOUT",
    run: ({ libos }) => code(() => libos.waitAny([])),
  },
  {
    id: "waitAny/one",
    needs: ["channel"],
    rule: "It gives the one that is over, and uses up no other.",
    pdpix: "data ETIMEDOUT ECANCELED",
    async run(world) {
      const [one, other] = await channels(world, 2) as [
        { from: End; to: End },
        { from: End; to: End },
      ];
      const { libos } = one.to;
      const pops = [one.to.pop(), other.to.pop()] as const;
      await other.from.send("data");
      const completion = await waitAny(libos, pops, 2000);
      assertEquals(completion.qt, pops[1]);
      const answer = text(completion);
      const pending = code(() => libos.wait(pops[0], 0));
      one.to.close();
      return list([answer, pending, await ending(libos, pops[0])]);
    },
  },
  {
    id: "waitAny/first-of-list",
    needs: ["channel"],
    rule: "Of several that are over it gives the first in the list.",
    pdpix: "2 1 0",
    async run(world) {
      const three = await channels(world, 3);
      const { libos } = three[0]!.to;
      const pops = three.map(({ to }) => to.pop());
      for (const { from } of three) await from.send("data");
      pollAll(libos);
      const left = [...pops].reverse();
      const order: string[] = [];
      while (left.length > 0) {
        const completion = await waitAny(libos, left, 2000);
        tell(completion);
        order.push(String(pops.indexOf(completion.qt)));
        left.splice(left.indexOf(completion.qt), 1);
      }
      return list(order);
    },
  },
  {
    id: "waitAny/timeout",
    needs: ["channel"],
    rule: "A timeout uses no token up.",
    pdpix: "ETIMEDOUT ECANCELED ECANCELED",
    async run(world) {
      const { to } = await channel(world);
      const pops = [to.pop(), to.pop()];
      const answer = await codeLater(() => waitAny(to.libos, pops, 1));
      to.close();
      return list([answer, await endings(to.libos, pops)]);
    },
  },
  {
    id: "waitAll/order",
    needs: ["channel"],
    rule: "It gives the completions in the order of the tokens, whichever was over first.",
    pdpix: "a b c",
    compat: "there is no wait for all",
    async run(world) {
      const three = await channels(world, 3);
      const pops = three.map(({ to }) => to.pop());
      for (const i of [2, 0, 1]) await three[i]!.from.send("abc"[i]!);
      return list((await waitAll(three[0]!.to.libos, pops, 2000)).map(text));
    },
  },
  {
    id: "waitAll/timeout",
    needs: ["channel"],
    rule: "A timeout uses none up, not even those that are over.",
    pdpix: "ETIMEDOUT data ECANCELED",
    compat: "there is no wait for all",
    async run(world) {
      const { from, to } = await channel(world);
      const pops = [to.pop(), to.pop()] as const;
      await from.send("data");
      const answer = await codeLater(() => waitAll(to.libos, pops, 5));
      const data = await to.told(pops[0]);
      to.close();
      return list([answer, data, await ending(to.libos, pops[1])]);
    },
  },
  {
    id: "waitAll/failed",
    needs: ["channel"],
    rule: "One that failed is a completion like the others.",
    pdpix: "ECANCELED pop",
    compat: "there is no wait for all",
    async run(world) {
      const { to } = await channel(world);
      const other = await channel(world);
      const pops = [to.pop(), other.to.pop()];
      await other.from.send("data");
      to.close();
      return list((await waitAll(to.libos, pops, 2000)).map(tell));
    },
  },
  {
    id: "waitAll/arguments",
    needs: ["channel"],
    rule: "A token that is none, or given twice, is refused; of no tokens all are over.",
    pdpix: "EINVAL EINVAL 0 push",
    compat: "there is no wait for all",
    async run(world) {
      const { from } = await channel(world);
      const { libos } = from;
      const qt = from.push("data");
      return list([
        codes(NO_TOKENS, (wrong) => libos.waitAll([qt, wrong], 0)),
        code(() => libos.waitAll([qt, qt], 0)),
        String(libos.waitAll([], 0).length),
        await ending(libos, qt),
      ]);
    },
  },
  {
    id: "waitNextN/order",
    needs: ["channel"],
    rule: "It gives what is over in the order in which it ended, whatever order it was asked in.",
    pdpix: "c a b",
    compat: "in no order",
    async run(world) {
      const three = await channels(world, 3);
      const { libos } = three[0]!.to;
      const pops = three.map(({ to }) => to.pop());
      let { pending } = libos.statistics();
      for (const i of [2, 0, 1]) {
        await three[i]!.from.send("abc"[i]!);
        pending--;
        for (let k = 0; k < PATIENCE && libos.statistics().pending > pending; k++) {
          pollAll(libos);
          await breathe(libos);
        }
      }
      const completions = await waitNextN(libos, 8, 2000);
      assertEquals(completions.map(({ qt }) => qt).sort(), [...pops].sort());
      return list(completions.map(text));
    },
  },
  {
    id: "waitNextN/count",
    needs: ["channel"],
    rule: "It gives at most so many; the rest waits.",
    pdpix: "2 2 1",
    async run(world) {
      const { from } = await channel(world);
      const pushes = Array.from({ length: 5 }, () => from.push("x"));
      for (let i = 0; i < 10; i++) pollAll(from.libos);
      await breathe(from.libos);
      const given = await Array.fromAsync(
        [2, 2, 2],
        (count) => waitNextN(from.libos, count, 2000),
      );
      assertEquals(given.flat().map(({ qt }) => qt), pushes);
      return list(given.map(({ length }) => String(length)));
    },
  },
  {
    id: "waitNextN/at-least-one",
    needs: ["channel"],
    rule: "It waits for one, and no longer.",
    pdpix: "1 data",
    async run(world) {
      const { from, to } = await channel(world);
      const { libos } = to;
      const pops = [to.pop(), to.pop()];
      await from.send("data");
      const completions = await waitNextN(libos, 8);
      const answer = list([String(completions.length), ...completions.map(text)]);
      to.close();
      await endings(libos, pops.slice(1));
      return answer;
    },
  },
  {
    id: "waitNextN/timeout",
    needs: ["channel"],
    rule: "After the timeout it gives nothing, and has used nothing up.",
    pdpix: "0 0 ECANCELED",
    compat: "ETIMEDOUT, though some may have been used up",
    async run(world) {
      const { to } = await channel(world);
      const pop = to.pop();
      const counts = await Array.fromAsync(
        [0, 1],
        async (timeout) => String((await waitNextN(to.libos, 8, timeout)).length),
      );
      to.close();
      return list([...counts, await ending(to.libos, pop)]);
    },
  },
  {
    id: "waitNextN/no-count",
    needs: [],
    rule: "A count that is no positive integer is refused.",
    pdpix: "EINVAL",
    run: ({ libos }) =>
      codes(
        [0, -1, 1.5, NaN, Infinity, null, "1"] as number[],
        (count) => libos.waitNextN(count, 0),
      ),
  },
  {
    id: "waitNextN/used-up",
    needs: ["channel"],
    rule: "What it gave is used up.",
    pdpix: "push EINVAL",
    async run(world) {
      const { from } = await channel(world);
      const qt = from.push("data");
      return list([
        ...(await waitNextN(from.libos, 1, 2000)).map(tell),
        code(() => from.libos.wait(qt, 0)),
      ]);
    },
  },
  {
    id: "waitNextN/others",
    needs: ["channel"],
    rule: "What was waited for otherwise, or is a coroutine's, it does not see.",
    pdpix: "0 data",
    async run(world) {
      const { from, to } = await channel(world);
      const taken = to.libos.operation(to.pop()) as Operation<Sga | null>;
      await from.send("data");
      pollAll(to.libos);
      const count = to.libos.waitNextN(8, 0).length;
      return list([String(count), textOf(await taken)]);
    },
  },
  {
    id: "poll/work",
    needs: ["channel"],
    rule: "A poll blocks nobody, does what is ready, and uses no token up.",
    pdpix: "number data",
    async run(world) {
      const { from, to } = await channel(world);
      const qt = to.pop();
      await from.send("data");
      const work = to.libos.poll();
      pollAll(to.libos);
      return list([typeof work, text(await wait(to.libos, qt, WAIT))]);
    },
  },
];
