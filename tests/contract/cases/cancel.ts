/**
 * Cancelling, deadlines and signals.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  code,
  codeOf,
  codes,
  ending,
  endings,
  list,
  NO_TOKENS,
  pollAll,
  rejection,
} from "../answers.ts";
import type { Case } from "../case.ts";
import { pattern, textOf } from "../end.ts";
import { breathe } from "../waits.ts";
import { channel } from "../world.ts";

/** Upstream has nothing of this. */
const NONE = "there is no cancelling";
/** The most that is pushed to find out whether a channel is bounded. */
const ENOUGH = 1 << 27;

/** See the module's description. */
export const CANCEL: readonly Case[] = [
  {
    id: "cancel/no-token",
    needs: [],
    rule: "What is no token is refused.",
    pdpix: "EINVAL EINVAL",
    compat: NONE,
    run: ({ libos }) =>
      list([
        codes(NO_TOKENS, (qt) => libos.cancel(qt)),
        codes(NO_TOKENS, (qt) => libos.operation(qt)),
      ]),
  },
  {
    id: "cancel/used-up",
    needs: ["channel"],
    rule: "A token that is used up is refused.",
    pdpix: "push EINVAL",
    compat: NONE,
    async run(world) {
      const { from } = await channel(world);
      const qt = from.push("data");
      return list([await ending(from.libos, qt), code(() => from.libos.cancel(qt))]);
    },
  },
  {
    id: "cancel/pop",
    needs: ["channel"],
    rule: "A pop that was cancelled takes no data from the next one, wherever it stood in line.",
    pdpix: "ECANCELED 1 ECANCELED 2 ECANCELED",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const pops = Array.from({ length: 5 }, () => to.pop(1));
      for (const i of [2, 0, 4]) to.libos.cancel(pops[i]!);
      await from.send("1");
      await from.send("2");
      return list(await Array.fromAsync(pops, (qt) => to.told(qt)));
    },
  },
  {
    id: "cancel/over",
    needs: ["channel"],
    rule: "What is over keeps its result, and can be cancelled as often as one likes.",
    pdpix: "data ECANCELED",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const pops = [to.pop(), to.pop()] as const;
      await from.send("data");
      pollAll(to.libos);
      await breathe(to.libos);
      to.libos.cancel(pops[0]);
      to.libos.cancel(pops[1]);
      to.libos.cancel(pops[1]);
      return list(await Array.fromAsync(pops, (qt) => to.told(qt)));
    },
  },
  {
    id: "cancel/push",
    needs: ["channel"],
    rule: "A push that waits and did not begin sends nothing, and its buffer comes back.",
    pdpix: "ECANCELED one three",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const before = from.libos.statistics().buffers;
      const { blocked, gone } = await from.fill(1 << 12, ENOUGH);
      if (blocked === null) return "never pending";
      const [one, two, three] = [from.push("one"), from.push("two"), from.push("three")] as const;
      from.libos.cancel(two);
      const answer = await ending(from.libos, two);
      await to.drain((gone + 1) * (1 << 12));
      const texts = textOfBytes(await to.drain(8));
      assertEquals(await endings(from.libos, [blocked, one, three]), "push push push");
      assertEquals(from.libos.statistics().buffers, before);
      return list([answer, texts.slice(0, 3), texts.slice(3)]);
    },
  },
  {
    id: "cancel/half-a-push",
    needs: ["channel", "bytes", "end"],
    rule: "A push half of which is gone is cancelled for its waiter, and sent whole.",
    pdpix: "ECANCELED whole next",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const size = 1 << 18;
      const { blocked, gone } = await from.fill(size, ENOUGH);
      if (blocked === null) return "never pending";
      from.libos.cancel(blocked);
      const answer = await ending(from.libos, blocked);
      const next = from.push("next");
      await to.drain(gone * size);
      const whole = await to.drain(size);
      assertEquals(whole, pattern(size));
      const text = textOfBytes(await to.drain(4));
      assertEquals(await ending(from.libos, next), "push");
      return list([answer, "whole", text]);
    },
  },
  {
    id: "cancel/in-flight",
    needs: ["channel"],
    rule: "Data that is on its way when a pop is cancelled is there for the next one.",
    pdpix: "first second",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const pop = to.pop();
      await from.send("first");
      to.libos.cancel(pop);
      const answer = await to.told(pop);
      await from.send("second");
      if (answer === "first") return list([answer, await to.receive()]);
      assertEquals(answer, "ECANCELED");
      return list([textOfBytes(await to.drain(5)), textOfBytes(await to.drain(6))]);
    },
  },
  {
    id: "cancel/operation",
    needs: ["channel"],
    rule: "An operation is cancelled as a token is, and the next one gets the data.",
    pdpix: "ECANCELED data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const { operations } = to.libos;
      const [cancelled, next] = [operations.pop(to.qd), operations.pop(to.qd)];
      const answer = rejection(cancelled);
      cancelled.cancel();
      await from.send("data");
      return list([await answer, textOf(await next)]);
    },
  },
  {
    id: "cancel/deadline",
    needs: ["channel"],
    rule: "A deadline fails the operation, and the next one gets the data.",
    pdpix: "ETIMEDOUT data",
    compat: "all operations end after 120 s",
    async run(world) {
      const { from, to } = await channel(world);
      const { operations } = to.libos;
      const late = operations.pop(to.qd).within({ timeout: 1 });
      const next = operations.pop(to.qd).within({ timeout: 2000 });
      const answer = await rejection(late);
      await from.send("data");
      return list([answer, textOf(await next)]);
    },
  },
  {
    id: "cancel/signal",
    needs: ["channel"],
    rule: "A signal fails the operation with its own reason, and the next one gets the data.",
    pdpix: "enough data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const { operations } = to.libos;
      const controller = new AbortController();
      const aborted = operations.pop(to.qd).within({ signal: controller.signal });
      const next = operations.pop(to.qd);
      const answer = rejection(aborted);
      controller.abort("enough");
      await from.send("data");
      return list([await answer, textOf(await next)]);
    },
  },
  {
    id: "cancel/signal-before",
    needs: ["channel"],
    rule: "A signal that was given before fails the operation at once.",
    pdpix: "enough",
    compat: NONE,
    async run(world) {
      const { to } = await channel(world);
      const pop = to.libos.operations.pop(to.qd);
      return await rejection(pop.within({ signal: AbortSignal.abort("enough") }));
    },
  },
  {
    id: "cancel/coroutine",
    needs: ["channel"],
    rule: "A coroutine that waits for what is cancelled gets the error, and can go on.",
    pdpix: "ECANCELED data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const { operations } = to.libos;
      const pop = operations.pop(to.qd);
      const done = to.libos.spawn((function* () {
        const answers: string[] = [];
        try {
          textOf(yield* pop);
        } catch (error) {
          answers.push(codeOf(error));
        }
        answers.push(textOf(yield* operations.pop(to.qd)));
        return list(answers);
      })());
      await to.libos.operations.sleep(0);
      pop.cancel();
      await from.send("data");
      return await done;
    },
  },
];

function textOfBytes(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
