/**
 * Coroutines of both kinds: generators that wait by `yield*`, and promises.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ending, list, pollAll } from "../answers.ts";
import type { Case } from "../case.ts";
import { type End, pop, push, textOf } from "../end.ts";
import { channel, type World } from "../world.ts";
import type { Coroutine, Operation, Sga } from "../../../libos/pdpix.ts";

/** Upstream has tokens alone. */
const NONE = "there are tokens alone";
const ROUNDS = 200;

/** Two channels that make a round. */
async function round(
  world: World,
): Promise<{ client: { from: End; to: End }; server: { from: End; to: End } }> {
  const there = await channel(world);
  const back = await channel(world);
  return {
    client: { from: there.from, to: back.to },
    server: { from: back.from, to: there.to },
  };
}

function sent(end: End, sga: Sga): Operation<void> {
  return end.libos.operations.push(end.qd, sga);
}

/** See the module's description. */
export const COROUTINE: readonly Case[] = [
  {
    id: "coroutine/echo-generator",
    needs: ["channel"],
    rule: "A generator that echoes, and one that asks it, take turns.",
    pdpix: "200 echoes",
    compat: NONE,
    async run(world) {
      const { client, server } = await round(world);
      const echo = (function* (): Coroutine {
        for (let i = 0; i < ROUNDS; i++) {
          const sga = (yield* pop(server.to))!;
          yield* push(server.from, textOf(sga));
        }
      })();
      const ask = (function* (): Coroutine<number> {
        let right = 0;
        for (let i = 0; i < ROUNDS; i++) {
          yield* push(client.from, `message ${i}`);
          if (textOf(yield* pop(client.to)) === `message ${i}`) right++;
        }
        return right;
      })();
      const [right] = await Promise.all([world.libos.spawn(ask), world.peer.spawn(echo)]);
      return `${right} echoes`;
    },
  },
  {
    id: "coroutine/echo-promise",
    needs: ["channel"],
    rule: "An async function that echoes, and one that asks it, take turns.",
    pdpix: "200 echoes",
    compat: NONE,
    async run(world) {
      const { client, server } = await round(world);
      const echo = async () => {
        for (let i = 0; i < ROUNDS; i++) {
          const sga = (await pop(server.to))!;
          await push(server.from, textOf(sga));
        }
      };
      const ask = async () => {
        let right = 0;
        for (let i = 0; i < ROUNDS; i++) {
          await push(client.from, `message ${i}`);
          if (textOf(await pop(client.to)) === `message ${i}`) right++;
        }
        return right;
      };
      const [right] = await Promise.all([ask(), echo()]);
      return `${right} echoes`;
    },
  },
  {
    id: "coroutine/mixed",
    needs: ["channel"],
    rule: "Generators, promises and tokens wait on one queue, first come, first served.",
    pdpix: "1 2 3",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const generator = to.libos.spawn((function* (): Coroutine<string> {
        return textOf(yield* pop(to, 1));
      })());
      await to.libos.operations.sleep(0);
      const promise = Promise.resolve(pop(to, 1)).then(textOf);
      const qt = to.pop(1);
      await Promise.all(["1", "2", "3"].map((text) => Promise.resolve(push(from, text))));
      return list([await generator, await promise, await to.told(qt)]);
    },
  },
  {
    id: "coroutine/errors",
    needs: ["channel"],
    rule: "An error is thrown where it is waited for, with its call and queue, in both kinds.",
    pdpix: "ECANCELED pop ECANCELED pop",
    compat: NONE,
    async run(world) {
      const { to } = await channel(world);
      const tellError = (error: unknown) => {
        const { code, operation, qd } = error as { code: string; operation: string; qd: number };
        assertEquals(qd, to.qd);
        return `${code} ${operation}`;
      };
      const generator = to.libos.spawn((function* (): Coroutine<string> {
        try {
          return textOf(yield* pop(to));
        } catch (error) {
          return tellError(error);
        }
      })());
      const promise = Promise.resolve(pop(to)).then(textOf, tellError);
      await to.libos.operations.sleep(0);
      to.close();
      return list([await generator, await promise]);
    },
  },
  {
    id: "coroutine/end",
    needs: ["channel", "end"],
    rule: "The end of the stream is null, in both kinds, again and again.",
    pdpix: "data end end end",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      await from.send("data");
      from.close();
      const answers = await to.libos.spawn((function* (): Coroutine<string[]> {
        return [textOf(yield* pop(to)), textOf(yield* pop(to)), textOf(yield* pop(to))];
      })());
      return list([...answers, textOf(await pop(to))]);
    },
  },
  {
    id: "coroutine/many",
    needs: ["channel"],
    rule: "A hundred coroutines on one queue are served in the order in which they came.",
    pdpix: "in order",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const order: number[] = [];
      const all = Array.from({ length: 100 }, (_, i) =>
        to.libos.spawn((function* (): Coroutine {
          textOf(yield* pop(to, 1));
          order.push(i);
        })()));
      await to.libos.operations.sleep(0);
      for (let i = 0; i < 100; i++) await push(from, "x");
      await Promise.all(all);
      return order.every((one, i) => one === i) ? "in order" : order.join();
    },
  },
  {
    id: "coroutine/blocking",
    needs: ["channel"],
    rule: "While the thread blocks in a wait, coroutines go on.",
    pdpix: "push echo",
    compat: NONE,
    async run(world) {
      const { client, server } = await round(world);
      const echo = world.peer.spawn((function* (): Coroutine {
        const sga = (yield* pop(server.to))!;
        yield* push(server.from, textOf(sga));
      })());
      const answers = [
        await ending(world.libos, client.from.push("echo")),
        await client.to.receive(),
      ];
      await echo;
      return list(answers);
    },
  },
  {
    id: "coroutine/forward",
    needs: ["channel"],
    rule: "What is popped can be pushed on as it is, and is nobody's afterwards.",
    pdpix: "data 0",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const next = await channel(world);
      if (next.from.libos !== to.libos) return "data 0";
      await push(from, "data");
      const before = world.libos.statistics().buffers;
      await to.libos.spawn((function* (): Coroutine {
        yield* sent(next.from, (yield* pop(to))!);
      })());
      const text = textOf(await pop(next.to));
      pollAll(world.libos);
      const held = world.libos.statistics().buffers;
      return list([text, String(Math.max(0, held - before))]);
    },
  },
];
