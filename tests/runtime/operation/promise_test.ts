/**
 * Operations as promises: in all that people do with promises, over or pending, asked for in a coroutine or not.
 *
 * @module
 */

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { pause, push, within } from "../_assert.ts";
import { MemoryLibOS } from "../_memory_libos.ts";
import { Scheduler } from "../../../libos/runtime/scheduler/scheduler.ts";
import type { DemikernelError } from "../../../libos/error.ts";
import type { Coroutine, LibOS, Operation, QueueDescriptor, Sga } from "../../../libos/pdpix.ts";

/** Pops that succeed. */
const KINDS: Record<string, (libos: LibOS, qd: QueueDescriptor) => Operation<Sga | null>> = {
  "pending": (libos, qd) => {
    const pop = libos.operations.pop(qd);
    setTimeout(() => push(libos, qd, 6), 1);
    return pop;
  },
  "over": (libos, qd) => {
    push(libos, qd, 6);
    return libos.operations.pop(qd);
  },
  "over, with a handle that was recycled": (libos, qd) => {
    // A handle is used again behind 64 others.
    for (let i = 0; i < 100; i++) libos.alloc(1).recycle();
    push(libos, qd, 6);
    return libos.operations.pop(qd);
  },
};

/** Calls a function within a coroutine, or not. What it gives comes in an array, as a promise would be waited for. */
async function call<T>(libos: LibOS, inside: boolean, call: () => T): Promise<[T]> {
  if (!inside) return [call()];
  // deno-lint-ignore require-yield -- it waits for nothing
  return await libos.spawn(function* (): Coroutine<[T]> {
    return [call()];
  }());
}

const WHERE = [["outside of coroutines", false], ["in a coroutine", true]] as const;

for (const [where, inside] of WHERE) {
  for (const [kind, make] of Object.entries(KINDS)) {
    Deno.test(`Operation behaves as a promise (${kind}, asked for ${where})`, async () => {
      const libos = new MemoryLibOS();
      const qd = libos.queue();
      const [operation] = await call(libos, inside, () => make(libos, qd));
      const promise: Promise<Sga | null> = operation;
      assert(promise instanceof Promise);
      assertEquals(Object.prototype.toString.call(promise), "[object Promise]");
      const calls: string[] = [];
      const derived = [
        promise.then(),
        promise.then((sga) => sga),
        promise.then(null, () => null),
        promise.catch(() => null),
        promise.finally(() => calls.push("finally")),
        Promise.race([promise, new Promise<null>(() => {})]),
        Promise.any([promise]),
        Promise.all([promise]).then(([sga]) => sga),
        Promise.allSettled([promise]).then(([end]) =>
          end.status === "fulfilled" ? end.value : null
        ),
        Promise.resolve(promise),
      ];
      assert(derived.every((one) => one instanceof Promise));
      const [sga, ...others] = await within(Promise.all([promise, ...derived]));
      assertEquals(sga!.bytes()[0], 6);
      for (const other of others) assertStrictEquals(other, sga);
      assertEquals(calls, ["finally"]);
      assertStrictEquals(await promise, sga);
      assertEquals(await promise.then(() => "again"), "again");
      sga!.free();
    });
  }

  for (const when of ["pending", "over"]) {
    Deno.test(`Operation that fails behaves as a promise (${when}, asked for ${where})`, async () => {
      const libos = new MemoryLibOS();
      const qd = libos.queue();
      const [operation] = await call(libos, inside, () => libos.operations.pop(qd));
      const fail = () => operation.within({ signal: AbortSignal.abort("no") });
      if (when === "over") fail();
      const calls: string[] = [];
      const caught = (error: unknown) => `caught ${error}`;
      const derived = [
        operation.catch(caught),
        operation.then(() => "not", caught),
        operation.then(() => "not").catch(caught),
        operation.finally(() => calls.push("finally")).catch(caught),
        Promise.race([operation, new Promise(() => {})]).catch(caught),
        Promise.all([operation]).catch(caught),
      ];
      if (when === "pending") fail();
      assertEquals(await within(Promise.all(derived)), derived.map(() => "caught no"));
      assertEquals(calls, ["finally"]);
      assertEquals(await operation.catch(caught), "caught no");
      libos.close(qd);
    });
  }
}

Deno.test("Operation that was asked for outside of coroutines can be waited for in one", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  push(libos, qd, 1);
  const over = libos.operations.pop(qd);
  const pending = libos.operations.pop(qd);
  const failing = libos.operations.pop(qd);
  const seen = libos.spawn(function* (): Coroutine<unknown[]> {
    const seen: unknown[] = [];
    for (const operation of [over, pending, pending, over]) {
      seen.push((yield* operation)!.bytes()[0]);
    }
    try {
      yield* failing;
    } catch (error) {
      seen.push((error as DemikernelError).code);
    }
    return seen;
  }());
  push(libos, qd, 2);
  await pause(1);
  libos.close(qd);
  assertEquals(await within(seen), [1, 2, 2, 1, "ECANCELED"]);
  for (const sga of [await over, await pending]) sga!.free();
});

/** What is told as unhandled rejections meanwhile. */
class Unhandled implements Disposable {
  readonly codes: string[] = [];
  readonly #told = Promise.withResolvers<void>();
  /** Resolves with the first of them. */
  readonly first = this.#told.promise;

  constructor() {
    globalThis.addEventListener("unhandledrejection", this);
  }

  handleEvent(event: PromiseRejectionEvent): void {
    event.preventDefault();
    this.codes.push((event.reason as DemikernelError).code);
    this.#told.resolve();
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("unhandledrejection", this);
  }
}

for (const [where, inside] of WHERE) {
  Deno.test(`Operation that fails while nobody waits is an unhandled rejection (asked for ${where})`, async () => {
    const libos = new MemoryLibOS();
    using unhandled = new Unhandled();
    const qd = libos.queue();
    await call(libos, inside, () => void libos.operations.pop(qd).within({ timeout: 1 }));
    await pause(5);
    libos.close(qd);
    await within(unhandled.first);
    await pause(2);
    assertEquals(unhandled.codes, ["ETIMEDOUT"]);
  });

  Deno.test(`Outcome.unclaimed() is told of what nobody waits for (asked for ${where})`, async () => {
    const libos = new MemoryLibOS();
    const qd = libos.queue();
    const claimed: string[] = [];
    const unclaimed = (error: unknown) => void claimed.push((error as DemikernelError).code);
    await call(
      libos,
      inside,
      () => void libos.operations.pop(qd, 0, { unclaimed }).within({ timeout: 1 }),
    );
    await pause(5);
    libos.close(qd);
    await pause(5);
    // And it is no unhandled rejection, which would have ended the test.
    assertEquals(claimed, ["ETIMEDOUT"]);
  });

  Deno.test(`Operation that is cancelled is not missed, but a push that its queue's end tears is (asked for ${where})`, async () => {
    const libos = new MemoryLibOS();
    using unhandled = new Unhandled();
    const [idle, full] = [libos.queue(), libos.queue()];
    for (let i = 0; i < 256; i++) push(libos, full);
    await call(libos, inside, () => {
      libos.operations.pop(idle).cancel();
      libos.operations.pop(idle);
      libos.operations.push(full, libos.alloc(1)).cancel();
    });
    libos.close(idle);
    await pause(5);
    assertEquals(unhandled.codes, []);
    await call(libos, inside, () => void libos.operations.push(full, libos.alloc(1)));
    libos.close(full);
    await within(unhandled.first);
    assertEquals(unhandled.codes, ["ECANCELED"]);
  });
}

Deno.test("Operation of a coroutine that failed meanwhile can be waited for until its queue is closed", async () => {
  const libos = new MemoryLibOS();
  using unhandled = new Unhandled();
  const qd = libos.queue();
  const code = await within(libos.spawn(function* (): Coroutine<string> {
    const pop = libos.operations.pop(qd).within({ timeout: 1 });
    yield* libos.operations.sleep(5);
    try {
      yield* pop;
      return "popped";
    } catch (error) {
      return (error as DemikernelError).code;
    }
  }()));
  libos.close(qd);
  await pause(2);
  assertEquals([code, unhandled.codes], ["ETIMEDOUT", []]);
});

Deno.test("close() leaves the promise of an operation that failed to whoever holds it, also when it is settled later", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  let caught: unknown = "never settled";
  const told: unknown[] = [];
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    told.push(event.reason);
  };
  addEventListener("unhandledrejection", onRejection);
  try {
    await libos.spawn(function* (): Coroutine {
      // As many as go on at once: what comes then is settled in a turn.
      for (let i = 0; i < 256; i++) yield* libos.operations.push(qd, libos.alloc(1));
      const push = libos.operations.push(qd, libos.alloc(1));
      push.within({ signal: AbortSignal.abort("aborted") });
      push.catch((error) => caught = error);
      libos.close(qd);
    }());
    await pause(5);
    assertEquals({ caught, told }, { caught: "aborted", told: [] });
  } finally {
    removeEventListener("unhandledrejection", onRejection);
    await libos.exit();
  }
});

Deno.test("exit() tells of each push that nobody waited for once, however many, and harms no other libOS", async () => {
  const scheduler = new Scheduler();
  const [libos, other] = [new MemoryLibOS({ scheduler }), new MemoryLibOS({ scheduler })];
  const qd = libos.queue();
  let told = 0;
  const errors: string[] = [];
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    told++;
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.message);
  };
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  try {
    // deno-lint-ignore require-yield -- it waits for nothing
    await libos.spawn(function* (): Coroutine {
      for (let i = 0; i < 1200; i++) libos.operations.push(qd, libos.alloc(1));
    }());
    const exit = libos.exit();
    // deno-lint-ignore require-yield -- it waits for nothing
    const coroutine = other.spawn(function* (): Coroutine<string> {
      return "ran";
    }());
    assertEquals(await within(coroutine), "ran");
    await exit;
    await pause(20);
    assertEquals({ errors, told }, { errors: [], told: 1200 - 256 });
  } finally {
    removeEventListener("unhandledrejection", onRejection);
    removeEventListener("error", onError);
    await other.exit();
  }
});

Deno.test("join() of a promise that is rejected, in a coroutine that ended before it waited, is told of before the libOS is closed", async () => {
  const libos = new MemoryLibOS();
  const told: unknown[] = [];
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    told.push(event.reason);
  };
  addEventListener("unhandledrejection", onRejection);
  try {
    await libos.spawn(function* (): Coroutine {
      libos.operations.join(Promise.reject("lost"));
      yield* libos.operations.sleep(1);
    }());
    await pause(5);
    assertEquals(told, ["lost"]);
  } finally {
    await libos.exit();
    await pause(1);
    removeEventListener("unhandledrejection", onRejection);
  }
});
