/**
 * How coroutines are run: their results, who may wait, how they end, and that none starves others.
 *
 * @module
 */

import { codeOf, list, rejection } from "../answers.ts";
import type { Case } from "../case.ts";
import { message, pop, push, textOf } from "../end.ts";
import { channel } from "../world.ts";
import type { Coroutine, Operation, Sga } from "../../../libos/pdpix.ts";

/** Upstream has tokens alone. */
const NONE = "there are tokens alone";

/** See the module's description. */
export const SPAWN: readonly Case[] = [
  {
    id: "coroutine/result",
    needs: [],
    rule: "spawn gives what the coroutine returns, and rejects with what it throws.",
    pdpix: "5 RangeError",
    compat: NONE,
    async run({ libos }) {
      const five = await libos.spawn((function* (): Coroutine<number> {
        yield* libos.operations.sleep(0);
        return 5;
      })());
      const thrown = libos.spawn((function* (): Coroutine {
        yield* libos.operations.sleep(0);
        throw new RangeError("on purpose");
      })());
      return list([String(five), await rejection(thrown)]);
    },
  },
  {
    id: "coroutine/later",
    needs: [],
    rule: "spawn runs nothing before it returns.",
    pdpix: "spawned ran",
    compat: NONE,
    async run({ libos }) {
      const order: string[] = [];
      const done = libos.spawn((function* (): Coroutine {
        order.push("ran");
        yield* libos.operations.sleep(0);
      })());
      order.push("spawned");
      await done;
      return list(order);
    },
  },
  {
    id: "coroutine/waiters",
    needs: ["channel"],
    rule:
      "An operation that was asked for outside of coroutines serves all who wait, in both kinds.",
    pdpix: "same same data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const operation = pop(to);
      const waiting = [
        operation.then((sga) => sga),
        operation.finally(() => {}),
        to.libos.spawn((function* (): Coroutine<Sga | null> {
          return yield* operation;
        })()),
      ];
      await push(from, "data");
      const [first, ...others] = await Promise.all(waiting);
      const same = others.map((sga) => sga === first ? "same" : "another");
      return list([...same, textOf(first!)]);
    },
  },
  {
    id: "coroutine/nothing-to-yield",
    needs: [],
    rule: "A coroutine that yields something else is ended, with its finally blocks.",
    pdpix: "EINVAL finally",
    compat: NONE,
    async run({ libos }) {
      const order: string[] = [];
      const done = libos.spawn((function* (): Coroutine {
        try {
          yield {};
        } finally {
          order.push("finally");
        }
      })());
      return list([await rejection(done), ...order]);
    },
  },
  {
    id: "coroutine/outside",
    needs: ["channel"],
    rule: "Waiting by yield* works under the scheduler alone.",
    pdpix: "EBUSY data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const operation = pop(to);
      let answer = "ok";
      try {
        (function* () {
          yield* operation;
        })().next();
      } catch (error) {
        answer = codeOf(error);
      }
      await push(from, "data");
      return list([answer, textOf(await operation)]);
    },
  },
  {
    id: "coroutine/token",
    needs: ["channel"],
    rule: "A token that a coroutine took over is nobody else's.",
    pdpix: "EINVAL EINVAL data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const { libos } = to;
      const qt = to.pop();
      const taken = libos.operation(qt) as Operation<Sga | null>;
      const answers = [() => libos.wait(qt, 0), () => libos.operation(qt)].map((call) => {
        try {
          call();
          return "ok";
        } catch (error) {
          return codeOf(error);
        }
      });
      await push(from, "data");
      return list([...answers, textOf(await taken)]);
    },
  },
  {
    id: "coroutine/return",
    needs: ["channel"],
    rule: "A coroutine that is ended while it waits takes no data along.",
    pdpix: "undefined data",
    compat: NONE,
    async run(world) {
      const { from, to } = await channel(world);
      const coroutine = (function* (): Coroutine {
        textOf(yield* pop(to));
      })();
      const done = to.libos.spawn(coroutine);
      await to.libos.operations.sleep(0);
      coroutine.return();
      const result = await done;
      await push(from, "data");
      return list([String(result), textOf(await pop(to))]);
    },
  },
  {
    id: "coroutine/busy",
    needs: [],
    rule: "A coroutine that never has to wait starves neither others nor timers.",
    pdpix: "stopped",
    compat: NONE,
    async run({ libos }) {
      const qd = libos.queue();
      let stop = false;
      const busy = libos.spawn((function* (): Coroutine<string> {
        while (!stop) {
          yield* libos.operations.push(qd, message(libos, "x"));
          textOf(yield* libos.operations.pop(qd));
        }
        return "stopped";
      })());
      await libos.spawn((function* (): Coroutine {
        yield* libos.operations.sleep(1);
        stop = true;
      })());
      return await busy;
    },
  },
  {
    id: "coroutine/busy-promise",
    needs: [],
    rule: "An async function that never has to wait starves no timer of Deno's.",
    pdpix: "stopped",
    compat: NONE,
    async run({ libos }) {
      const qd = libos.queue();
      let stop = false;
      setTimeout(() => stop = true, 1);
      while (!stop) {
        await libos.operations.push(qd, message(libos, "x"));
        textOf(await libos.operations.pop(qd));
      }
      return "stopped";
    },
  },
  {
    id: "coroutine/sleep",
    needs: [],
    rule: "Sleeps end in the order of their times.",
    pdpix: "1 2 3",
    compat: NONE,
    async run({ libos }) {
      const order: number[] = [];
      await Promise.all([3, 1, 2].map((time) =>
        libos.spawn((function* (): Coroutine {
          // Further apart than a busy machine lets them begin.
          yield* libos.operations.sleep(25 * time);
          order.push(time);
        })())
      ));
      return list(order.map(String));
    },
  },
];
