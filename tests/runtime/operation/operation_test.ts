import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { assertCode, assertRejectsCode, pause, push, within } from "../_assert.ts";
import { MemoryLibOS, withFakeClock } from "../_memory_libos.ts";
import type { DemikernelError } from "../../../libos/error.ts";
import type { Coroutine, LibOS, Operation, Sga } from "../../../libos/pdpix.ts";

/** A signal, and how many listeners it has. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const counted = { controller, signal, listeners: 0 };
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    counted.listeners++;
    add.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    counted.listeners--;
    remove.apply(signal, args);
  };
  return counted;
}

/** The two ways to ask, and wait. */
const WAYS: Record<string, <T>(libos: LibOS, ask: () => Operation<T>) => PromiseLike<T>> = {
  "await": async (_libos, ask) => await ask(),
  "yield*": (libos, ask) =>
    libos.spawn(function* () {
      return yield* ask();
    }()),
};

for (const [way, wait] of Object.entries(WAYS)) {
  Deno.test(`${way} gives the result, of an operation that is over or not`, async () => {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    push(libos, qd, 1);
    const over = libos.operations.pop(qd);
    const pending = wait(libos, () => libos.operations.pop(qd));
    push(libos, qd, 2);
    for (const [result, byte] of [[wait(libos, () => over), 1], [pending, 2]] as const) {
      using sga = await within(result);
      assertEquals(sga!.bytes()[0], byte);
    }
  });

  Deno.test(`${way} fails with ETIMEDOUT at the timeout, and nothing is pending any more`, async () => {
    const { libos } = withFakeClock();
    const qd = libos.queue();
    const pop = () => libos.operations.pop(qd).within({ timeout: 5 });
    const error = await assertRejectsCode("ETIMEDOUT", wait(libos, pop));
    assertEquals([error.operation, error.qd], ["pop", qd]);
    assertEquals(libos.statistics().pending, 0);
    push(libos, qd, 3);
    using sga = await libos.operations.pop(qd);
    assertEquals(sga!.bytes()[0], 3);
  });

  Deno.test(`${way} gives the result of an operation that is over before its timeout`, async () => {
    const { libos, scheduler } = withFakeClock();
    const qd = libos.queue();
    const result = wait(libos, () => libos.operations.pop(qd).within({ timeout: 1000 }));
    push(libos, qd);
    (await within(result))!.free();
    assertEquals(scheduler.timers.size, 0);
  });

  Deno.test(`${way} fails with the reason of a signal that was aborted already`, async () => {
    const libos = new MemoryLibOS();
    const { controller, signal } = countedSignal();
    const reason = new Error("enough");
    controller.abort(reason);
    const pop = () => libos.operations.pop(libos.queue()).within({ signal });
    assertStrictEquals(await assertRejects(() => within(wait(libos, pop))), reason);
    assertEquals(libos.statistics().pending, 0);
  });

  Deno.test(`${way} fails with the reason of a signal that is aborted later`, async () => {
    const libos = new MemoryLibOS();
    const counted = countedSignal();
    const pop = libos.operations.pop(libos.queue()).within({ signal: counted.signal });
    const result = wait(libos, () => pop);
    setTimeout(() => counted.controller.abort(), 1);
    await assertRejects(() => within(result), DOMException);
    assertEquals(counted.listeners, 0);
    assertEquals(libos.statistics().pending, 0);
  });

  Deno.test(`${way} leaves no listener on the signal of an operation that succeeded`, async () => {
    const libos = new MemoryLibOS();
    const counted = countedSignal();
    const qd = libos.queue();
    const result = wait(libos, () => libos.operations.pop(qd).within({ signal: counted.signal }));
    await pause(1);
    assertEquals(counted.listeners, 1);
    push(libos, qd);
    (await within(result))!.free();
    assertEquals(counted.listeners, 0);
  });

  Deno.test(`${way} fails with ECANCELED after cancel()`, async () => {
    const libos = new MemoryLibOS();
    const pop = libos.operations.pop(libos.queue());
    const result = wait(libos, () => pop);
    setTimeout(() => pop.cancel(), 1);
    await assertRejectsCode("ECANCELED", result);
  });

  Deno.test(`${way} gives what the outcome makes of the result, or of the error`, async () => {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    const outcome = {
      result: (sga: Sga | null) => `${sga!.length} bytes`,
      error: (error: unknown) => (error as DemikernelError).code,
    };
    const pop = () => wait(libos, () => libos.operations.pop<string>(qd, 0, outcome));
    const pending = pop();
    push(libos, qd);
    assertEquals(await within(pending), "1 bytes");
    push(libos, qd);
    assertEquals(await within(pop()), "1 bytes");
    const closed = wait(libos, () => {
      // Not before it was begun: a coroutine's turn may come later than a timer.
      setTimeout(() => libos.close(qd), 1);
      return libos.operations.pop<string>(qd, 0, outcome);
    });
    assertEquals(await within(closed), "ECANCELED");
  });

  Deno.test(`${way} fails with what the outcome throws, and whoever ends the operation does not`, async () => {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    const mistake = new Error("mistake");
    const fail = () => {
      throw mistake;
    };
    for (const end of [() => push(libos, qd), () => libos.close(qd)]) {
      const result = wait(libos, () => {
        setTimeout(end, 1);
        return libos.operations.pop(qd, 0, { result: fail, error: fail });
      });
      assertStrictEquals(await assertRejects(() => within(result, 0.5)), mistake);
    }
  });
}

Deno.test("Operation.within() starts the clock of an operation that has been pending for a while", async () => {
  const libos = new MemoryLibOS();
  const pop = libos.operations.pop(libos.queue());
  await pause(10);
  pop.within({ timeout: 1 });
  await assertRejectsCode("ETIMEDOUT", within(Promise.resolve(pop), 0.5));
});

Deno.test("Operation.within() twice keeps both limits, and leaves neither behind", async () => {
  const { libos, scheduler } = withFakeClock();
  const counted = countedSignal();
  const qd = libos.queue();
  const pop = libos.operations.pop(qd).within({ timeout: 1000 }).within({ signal: counted.signal });
  push(libos, qd);
  (await pop)!.free();
  assertEquals(scheduler.timers.size, 0);
  assertEquals(counted.listeners, 0);
});

Deno.test("Operation.within() throws EINVAL for what is no timeout", () => {
  const { libos } = withFakeClock();
  const qd = libos.queue();
  for (const timeout of [-1, NaN]) {
    assertCode("EINVAL", () => libos.operations.pop(qd).within({ timeout }));
    assertCode("EINVAL", () => libos.operations.push(qd, libos.alloc(1)).within({ timeout }));
    assertCode("EINVAL", () => libos.operations.sleep(timeout));
  }
});

Deno.test("Operation.cancel() does nothing to an operation that is over", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  push(libos, qd, 4);
  const pop = libos.operations.pop(qd);
  pop.cancel();
  using sga = await pop;
  assertEquals(sga!.bytes()[0], 4);
  pop.cancel();
});

Deno.test("Operation.cancel() of a push frees what was to be pushed", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  for (let i = 0; i < 256; i++) push(libos, qd);
  const sga = libos.alloc(1);
  const waiting = libos.operations.push(qd, sga);
  waiting.cancel();
  await assertRejectsCode("ECANCELED", within(Promise.resolve(waiting)));
  assertEquals(libos.statistics().buffers, 256);
  sga.free();
});

Deno.test("Operation can be awaited again once it is over", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const pop = libos.operations.pop(qd);
  setTimeout(() => push(libos, qd, 5), 1);
  using sga = await pop;
  assertStrictEquals(await pop, sga);
  const failing = libos.operations.pop(qd);
  failing.cancel();
  await assertRejectsCode("ECANCELED", within(Promise.resolve(failing)));
  await assertRejectsCode("ECANCELED", within(Promise.resolve(failing)));
});

Deno.test("Operation works in Promise.all() and Promise.race()", async () => {
  const libos = new MemoryLibOS();
  const [a, b] = [libos.queue(), libos.queue()];
  const all = Promise.all([libos.operations.pop(a), libos.operations.pop(b)]);
  push(libos, b, 2);
  push(libos, a, 1);
  const sgas = await within(all);
  assertEquals(sgas.map((sga) => sga!.bytes()[0]), [1, 2]);
  for (const sga of sgas) sga!.free();
  const loser = libos.operations.pop(a);
  assertEquals(await Promise.race([loser, libos.operations.sleep(0)]), undefined);
  push(libos, a, 3);
  using sga = await loser.then === undefined ? null : await waited(loser);
  assertEquals(sga!.bytes()[0], 3);
});

/** What an operation gave that was waited for before, as the loser of a race. */
async function waited<T>(operation: Operation<T>): Promise<T> {
  await pause(1);
  return await operation;
}

Deno.test("Operations.sleep() ends in the order of time, and can be cancelled", async () => {
  const { libos, scheduler } = withFakeClock();
  const order: string[] = [];
  await Promise.all([3, 1, 2].map(async (time) => {
    await libos.operations.sleep(time);
    order.push(`${time}`);
  }));
  assertEquals(order, ["1", "2", "3"]);
  const sleep = libos.operations.sleep(1e6);
  sleep.cancel();
  await assertRejectsCode("ECANCELED", within(Promise.resolve(sleep)));
  assertEquals(scheduler.timers.size, 0);
});

Deno.test("OperationPool uses an operation again, unless it was taken as a promise or in debug mode", async () => {
  for (const [debug, again] of [[false, true], [true, false]] as const) {
    const libos = new MemoryLibOS({ debug });
    const qd = libos.queue();
    /** Whether two pops, one after the other, are one object. */
    const popTwice = (wait: (pop: Operation<Sga | null>) => Operation<Sga | null>) =>
      within(libos.spawn(function* (): Coroutine<boolean> {
        const pops: unknown[] = [];
        for (let i = 0; i < 2; i++) {
          push(libos, qd);
          const pop = libos.operations.pop(qd);
          pops.push(pop);
          (yield* wait(pop))!.free();
        }
        return pops[0] === pops[1];
      }()));
    assertEquals(await popTwice((pop) => pop), again);
    assertEquals(await popTwice((pop) => libos.operations.join(pop.then())), false);
    libos.close(qd);
  }
});

Deno.test("LibOS.exit() ends sleeps with ECANCELED, and there are none afterwards", async () => {
  const { libos, scheduler } = withFakeClock();
  const sleep = within(Promise.resolve(libos.operations.sleep(1e6)));
  await Promise.all([libos.exit(), assertRejectsCode("ECANCELED", sleep)]);
  assertEquals(scheduler.timers.size, 0);
  assertCode("ENODEV", () => libos.operations.sleep(1));
});

for (const [way, wait] of Object.entries(WAYS)) {
  Deno.test(`${way} gives what a promise that is joined gives, settled before or after`, async () => {
    const libos = new MemoryLibOS();
    const { join, sleep } = bound(libos);
    assertEquals(await within(wait(libos, () => join(Promise.resolve(1)))), 1);
    assertEquals(await within(wait(libos, () => join(pause(2).then(() => 2)))), 2);
    const spawned = libos.spawn(function* (): Coroutine<number> {
      yield* sleep(1);
      return 3;
    }());
    assertEquals(await within(wait(libos, () => join(spawned))), 3);
  });

  Deno.test(`${way} fails with what a promise that is joined was rejected with`, async () => {
    const libos = new MemoryLibOS();
    const mistake = new Error("mistake");
    const join = (reason?: unknown) => () => libos.operations.join(Promise.reject(reason));
    assertStrictEquals(await assertRejects(() => within(wait(libos, join(mistake)))), mistake);
    const error = await assertRejectsCode("EIO", wait(libos, join()));
    assertEquals(error.operation, "join");
  });

  Deno.test(`${way} ends a join at its timeout, and lets the promise alone`, async () => {
    const libos = new MemoryLibOS();
    const { promise, reject } = Promise.withResolvers<void>();
    const join = libos.operations.join(promise).within({ timeout: 1 });
    await assertRejectsCode("ETIMEDOUT", wait(libos, () => join));
    // Its operation may be another one's by now.
    const pop = libos.operations.pop(libos.queue());
    reject(new Error("late"));
    await pause(1);
    pop.cancel();
    await assertRejectsCode("ECANCELED", wait(libos, () => pop));
  });
}

Deno.test("Operations.join() ends when the libOS is closed, and throws ENODEV afterwards", async () => {
  const libos = new MemoryLibOS();
  const joined = assertRejectsCode(
    "ECANCELED",
    Promise.resolve(libos.operations.join(new Promise(() => {}))),
  );
  await libos.exit();
  await joined;
  assertCode("ENODEV", () => libos.operations.join(Promise.resolve()));
});

/** The operations of a libOS that need no queue, as functions. */
function bound({ operations }: LibOS): Pick<LibOS["operations"], "join" | "sleep"> {
  return {
    join: (promise) => operations.join(promise),
    sleep: (milliseconds) => operations.sleep(milliseconds),
  };
}

/** An outcome, and how often its `lost` was called. */
function counted() {
  const calls = { lost: 0 };
  return { calls, outcome: { lost: () => void calls.lost++ } };
}

Deno.test("Outcome.lost() is called once when the operation fails", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const { calls, outcome } = counted();
  const pop = libos.operations.pop(qd, 0, outcome);
  assertEquals(calls.lost, 0);
  pop.cancel();
  pop.cancel();
  assertEquals(calls.lost, 1);
  await assertRejectsCode("ECANCELED", within(pop));
  assertEquals(calls.lost, 1);
  libos.close(qd);
});

Deno.test("Outcome.lost() is called when the coroutine is closed, before or after the result", async () => {
  const libos = new MemoryLibOS();
  for (const over of [false, true]) {
    const qd = libos.queue();
    const { calls, outcome } = counted();
    const began = Promise.withResolvers<void>();
    const coroutine = function* (): Coroutine {
      const pop = libos.operations.pop(qd, 0, outcome);
      began.resolve();
      yield* pop;
    }();
    const spawned = libos.spawn(coroutine);
    await began.promise;
    if (over) push(libos, qd);
    coroutine.return();
    await within(spawned);
    assertEquals(calls.lost, 1);
    assertEquals(libos.statistics().buffers, 0);
  }
});

Deno.test("Outcome.lost() is not called when somebody gets the result, nor for the next operation", async () => {
  for (const [way, wait] of Object.entries(WAYS)) {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    const { calls, outcome } = counted();
    const result = wait(libos, () => libos.operations.pop(qd, 0, outcome));
    push(libos, qd);
    (await within(result))!.free();
    libos.operations.pop(qd).cancel();
    assertEquals(calls.lost, 0, way);
  }
});
