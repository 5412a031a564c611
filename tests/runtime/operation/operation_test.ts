import { assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { assertCode, assertRejectsCode, pause, within } from "../_assert.ts";
import { MemoryLibOS, withFakeClock } from "../_memory_libos.ts";
import type { Coroutine, LibOS, Operation, QueueDescriptor } from "../../../libos/pdpix.ts";

function push(libos: LibOS, qd: QueueDescriptor, byte = 0): void {
  const sga = libos.alloc(1);
  sga.bytes()[0] = byte;
  libos.wait(libos.push(qd, sga), 0);
}

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

/** The two ways to wait. */
const WAYS: Record<string, <T>(libos: LibOS, operation: Operation<T>) => PromiseLike<T>> = {
  "await": async (_libos, operation) => await operation,
  "yield*": (libos, operation) =>
    libos.spawn(function* () {
      return yield* operation;
    }()),
};

for (const [way, wait] of Object.entries(WAYS)) {
  Deno.test(`${way} gives the result, of an operation that is over or not`, async () => {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    push(libos, qd, 1);
    const over = libos.operations.pop(qd);
    const pending = wait(libos, libos.operations.pop(qd));
    push(libos, qd, 2);
    for (const [result, byte] of [[wait(libos, over), 1], [pending, 2]] as const) {
      using sga = await within(result);
      assertEquals(sga!.bytes()[0], byte);
    }
  });

  Deno.test(`${way} fails with ETIMEDOUT at the timeout, and nothing is pending any more`, async () => {
    const { libos } = withFakeClock();
    const qd = libos.queue();
    const pop = libos.operations.pop(qd).within({ timeout: 5 });
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
    const result = wait(libos, libos.operations.pop(qd).within({ timeout: 1000 }));
    push(libos, qd);
    (await within(result))!.free();
    assertEquals(scheduler.timers.size, 0);
  });

  Deno.test(`${way} fails with the reason of a signal that was aborted already`, async () => {
    const libos = new MemoryLibOS();
    const { controller, signal } = countedSignal();
    const reason = new Error("enough");
    controller.abort(reason);
    const pop = libos.operations.pop(libos.queue()).within({ signal });
    assertStrictEquals(await assertRejects(() => within(wait(libos, pop))), reason);
    assertEquals(libos.statistics().pending, 0);
  });

  Deno.test(`${way} fails with the reason of a signal that is aborted later`, async () => {
    const libos = new MemoryLibOS();
    const counted = countedSignal();
    const pop = libos.operations.pop(libos.queue()).within({ signal: counted.signal });
    const result = wait(libos, pop);
    setTimeout(() => counted.controller.abort(), 1);
    await assertRejects(() => within(result), DOMException);
    assertEquals(counted.listeners, 0);
    assertEquals(libos.statistics().pending, 0);
  });

  Deno.test(`${way} leaves no listener on the signal of an operation that succeeded`, async () => {
    const libos = new MemoryLibOS();
    const counted = countedSignal();
    const qd = libos.queue();
    const result = wait(libos, libos.operations.pop(qd).within({ signal: counted.signal }));
    assertEquals(counted.listeners, 1);
    push(libos, qd);
    (await within(result))!.free();
    assertEquals(counted.listeners, 0);
  });

  Deno.test(`${way} fails with ECANCELED after cancel()`, async () => {
    const libos = new MemoryLibOS();
    const pop = libos.operations.pop(libos.queue());
    const result = wait(libos, pop);
    setTimeout(() => pop.cancel(), 1);
    await assertRejectsCode("ECANCELED", result);
  });

  Deno.test(`${way} gives what convert() made of the result, or of the error`, async () => {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    const convert = (operation: Operation<unknown>) =>
      wait(libos, operation.convert(() => "result", (error) => ({ error })));
    const pending = convert(libos.operations.pop(qd));
    push(libos, qd);
    assertEquals(await within(pending), "result");
    const cancelled = libos.operations.pop(qd);
    cancelled.cancel();
    let thrown: unknown;
    await convert(cancelled).then(null, (error) => thrown = error);
    assertCode("ECANCELED", () => {
      throw (thrown as { error: unknown }).error;
    });
  });

  Deno.test(`${way} gives what convert() made of a push that was over at once`, async () => {
    const libos = new MemoryLibOS();
    const converted = libos.operations.push(libos.queue(), libos.alloc(1)).convert(
      () => "taken",
      null,
    );
    assertEquals(await within(wait(libos, converted)), "taken");
  });

  Deno.test(`${way} fails with what convert() throws, and whoever ends the operation does not`, async () => {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    const mistake = new Error("mistake");
    const pop = libos.operations.pop(qd).convert(() => {
      throw mistake;
    }, null);
    const result = wait(libos, pop);
    await pause(1);
    push(libos, qd);
    assertStrictEquals(await assertRejects(() => within(result, 0.5)), mistake);
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

Deno.test("Operation rejects a second waiter with EBUSY, and serves the first", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const pop = libos.operations.pop(qd);
  const first = Promise.resolve(pop);
  const second = Promise.resolve(pop);
  await assertRejectsCode("EBUSY", second);
  push(libos, qd, 6);
  using sga = await first;
  assertEquals(sga!.bytes()[0], 6);
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

Deno.test("OperationPool uses an operation again, unless it was awaited or in debug mode", async () => {
  for (const [debug, again] of [[false, true], [true, false]] as const) {
    const libos = new MemoryLibOS({ debug });
    const qd = libos.queue();
    const pops: unknown[] = [];
    await libos.spawn(function* (): Coroutine {
      for (let i = 0; i < 2; i++) {
        push(libos, qd);
        const pop = libos.operations.pop(qd);
        pops.push(pop);
        (yield* pop)!.free();
      }
    }());
    assertEquals(pops[0] === pops[1], again);
    push(libos, qd);
    const awaited = libos.operations.pop(qd);
    (await awaited)!.free();
    assertNotEquals(libos.operations.pop(qd) === awaited, true);
    libos.close(qd);
  }
});

Deno.test("Operation.then() reports what a function threw that it was given, and all else goes on", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const thrown = Promise.withResolvers<unknown>();
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    thrown.resolve(event.error);
  };
  globalThis.addEventListener("error", onError);
  const mistake = new Error("mistake");
  libos.operations.pop(qd).then((sga) => {
    sga!.free();
    throw mistake;
  }, () => {});
  push(libos, qd);
  assertStrictEquals(await within(thrown.promise), mistake);
  globalThis.removeEventListener("error", onError);
  const pop = within(Promise.resolve(libos.operations.pop(qd)));
  push(libos, qd, 7);
  using sga = await pop;
  assertEquals(sga!.bytes()[0], 7);
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
    assertEquals(await within(wait(libos, join(Promise.resolve(1)))), 1);
    assertEquals(await within(wait(libos, join(pause(2).then(() => 2)))), 2);
    const spawned = libos.spawn(function* (): Coroutine<number> {
      yield* sleep(1);
      return 3;
    }());
    assertEquals(await within(wait(libos, join(spawned))), 3);
  });

  Deno.test(`${way} fails with what a promise that is joined was rejected with`, async () => {
    const libos = new MemoryLibOS();
    const mistake = new Error("mistake");
    const join = libos.operations.join(Promise.reject(mistake));
    assertStrictEquals(await assertRejects(() => within(wait(libos, join))), mistake);
    const nothing = libos.operations.join(Promise.reject());
    const error = await assertRejectsCode("EIO", wait(libos, nothing));
    assertEquals(error.operation, "join");
  });

  Deno.test(`${way} ends a join at its timeout, and lets the promise alone`, async () => {
    const libos = new MemoryLibOS();
    const { promise, reject } = Promise.withResolvers<void>();
    const join = libos.operations.join(promise).within({ timeout: 1 });
    await assertRejectsCode("ETIMEDOUT", wait(libos, join));
    // Its operation may be another one's by now.
    const pop = libos.operations.pop(libos.queue());
    reject(new Error("late"));
    await pause(1);
    pop.cancel();
    await assertRejectsCode("ECANCELED", wait(libos, pop));
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

/** How the functions that `convert` was given are called for an operation. */
function counted<T>(operation: Operation<T>) {
  const calls = { lost: 0 };
  operation.convert(null, null, () => calls.lost++);
  return calls;
}

Deno.test("Operation.convert() calls `lost` once when it fails, and nobody waits", () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const pop = libos.operations.pop(qd);
  const calls = counted(pop);
  assertEquals(calls.lost, 0);
  pop.cancel();
  pop.cancel();
  assertEquals(calls.lost, 1);
  assertEquals(counted(pop).lost, 1);
  libos.close(qd);
});

Deno.test("Operation.convert() calls `lost` when its coroutine is closed, before or after the result", async () => {
  const libos = new MemoryLibOS();
  for (const over of [false, true]) {
    const qd = libos.queue();
    const pop = libos.operations.pop(qd);
    const calls = counted(pop);
    const began = Promise.withResolvers<void>();
    const coroutine = function* (): Coroutine {
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

Deno.test("Operation.convert() does not call `lost` when somebody gets the result, nor for the next operation", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const pop = libos.operations.pop(qd);
  const calls = counted(pop);
  const result = WAYS["yield*"]!(libos, pop);
  push(libos, qd);
  (await within(result) as { free(): void }).free();
  libos.operations.pop(qd).cancel();
  assertEquals(calls.lost, 0);
});
