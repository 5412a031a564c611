import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { Scheduler } from "../../../libos/runtime/scheduler/scheduler.ts";
import { assertCode, assertRejectsCode, within } from "../_assert.ts";
import { MemoryLibOS, withFakeClock } from "../_memory_libos.ts";
import type { Coroutine, LibOS, Operation, QueueDescriptor, Sga } from "../../../libos/pdpix.ts";

function* pushByte(libos: LibOS, qd: QueueDescriptor, byte: number): Coroutine {
  const sga = libos.alloc(1);
  sga.bytes()[0] = byte;
  yield* libos.operations.push(qd, sga);
}

function* popByte(libos: LibOS, qd: QueueDescriptor): Coroutine<number> {
  using sga = yield* libos.operations.pop(qd);
  return sga!.bytes()[0]!;
}

async function popByteAsync(libos: LibOS, qd: QueueDescriptor): Promise<number> {
  using sga = await libos.operations.pop(qd);
  return sga!.bytes()[0]!;
}

Deno.test("Scheduler.spawn() gives what the coroutine returns", async () => {
  const libos = new MemoryLibOS();
  // deno-lint-ignore require-yield -- one that never waits
  const answer = await libos.spawn(function* (): Coroutine<number> {
    return 42;
  }());
  assertEquals(answer, 42);
});

Deno.test("Scheduler.spawn() does not run the coroutine before it returns", async () => {
  const libos = new MemoryLibOS();
  let ran = false;
  // deno-lint-ignore require-yield -- one that never waits
  const promise = libos.spawn(function* (): Coroutine {
    ran = true;
  }());
  assertEquals(ran, false);
  await promise;
  assertEquals(ran, true);
});

Deno.test("Scheduler runs coroutines in the order in which they became ready", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const log: string[] = [];
  const waiters = Array.from({ length: 200 }, (_, i) =>
    libos.spawn(function* (): Coroutine {
      log.push(`start ${i}`);
      log.push(`${i} got ${yield* popByte(libos, qd)}`);
    }()));
  await libos.spawn(function* (): Coroutine {
    for (let i = 0; i < 200; i++) yield* pushByte(libos, qd, i);
  }());
  await Promise.all(waiters);
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  assertEquals(log, [
    ...numbers.map((i) => `start ${i}`),
    ...numbers.map((i) => `${i} got ${i}`),
  ]);
});

Deno.test("Scheduler wakes sleeping coroutines in the order of their deadlines", async () => {
  const { libos } = withFakeClock();
  const log: number[] = [];
  const times = [3, 1, 2, 1, 0];
  await Promise.all(times.map((time, i) =>
    libos.spawn(function* (): Coroutine {
      yield* libos.operations.sleep(time);
      log.push(i);
    }())
  ));
  assertEquals(log, [4, 1, 3, 2, 0]);
});

Deno.test("Scheduler runs generators and async functions on the same queues", async () => {
  const libos = new MemoryLibOS();
  const [to, from] = [libos.queue(), libos.queue()];
  const echo = libos.spawn(function* (): Coroutine {
    for (let i = 0; i < 100; i++) {
      const sga = yield* libos.operations.pop(to);
      yield* libos.operations.push(from, sga!);
    }
  }());
  for (let i = 0; i < 100; i++) {
    const sga = libos.alloc(1);
    sga.bytes()[0] = i;
    await libos.operations.push(to, sga);
    assertEquals(await popByteAsync(libos, from), i);
  }
  await echo;
});

Deno.test("Scheduler rejects the promise of a coroutine that throws, and no other", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const before = libos.spawn(popByte(libos, qd));
  const mistake = new Error("mistake");
  const failing = libos.spawn(function* (): Coroutine {
    yield* libos.operations.sleep(0);
    throw mistake;
  }());
  const after = libos.spawn(popByte(libos, qd));
  assertStrictEquals(await assertRejects(() => failing), mistake);
  await libos.spawn(pushByte(libos, qd, 1));
  await libos.spawn(pushByte(libos, qd, 2));
  assertEquals(await Promise.all([before, after]), [1, 2]);
});

Deno.test("Scheduler throws the error of an operation where the coroutine waits for it", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const caught = libos.spawn(function* (): Coroutine<unknown> {
    try {
      yield* libos.operations.pop(qd);
    } catch (error) {
      return error;
    }
    return null;
  }());
  await libos.spawn(function* (): Coroutine {
    yield* libos.operations.sleep(0);
    libos.close(qd);
  }());
  const error = await caught;
  assertCode("ECANCELED", () => {
    throw error;
  });
});

Deno.test("yield* on a pending operation throws EBUSY outside of a coroutine", () => {
  const { libos } = withFakeClock();
  const coroutine = popByte(libos, libos.queue());
  assertCode("EBUSY", () => coroutine.next());
});

Deno.test("yield* on an operation that another coroutine waits for throws EBUSY", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  let pop: Operation<Sga | null> | undefined;
  const wait = function* (): Coroutine<number> {
    using sga = yield* pop ??= libos.operations.pop(qd);
    return sga!.bytes()[0]!;
  };
  const [first, second] = [libos.spawn(wait()), libos.spawn(wait())];
  await assertRejectsCode("EBUSY", second);
  await libos.spawn(pushByte(libos, qd, 7));
  assertEquals(await first, 7);
});

Deno.test("yield* in debug mode throws EBUSY on an operation that was waited for already", async () => {
  const libos = new MemoryLibOS({ debug: true });
  const qd = libos.queue();
  const again = libos.spawn(function* (): Coroutine {
    const pop = libos.operations.pop(qd);
    (yield* pop)!.free();
    yield* pop;
  }());
  await libos.spawn(pushByte(libos, qd, 1));
  await assertRejectsCode("EBUSY", again);
});

Deno.test("Coroutine.return() cancels what it waits for and runs its finally", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  let cleaned = false;
  const coroutine = function* (): Coroutine<number> {
    try {
      return yield* popByte(libos, qd);
    } finally {
      cleaned = true;
    }
  }();
  const promise = libos.spawn(coroutine);
  await libos.operations.sleep(0);
  coroutine.return(0);
  assertEquals(cleaned, true);
  assertEquals(libos.statistics().pending, 0);
  await libos.spawn(pushByte(libos, qd, 5));
  assertEquals(await libos.spawn(popByte(libos, qd)), 5, "the pop took the next element");
  await within(promise);
});

Deno.test("Coroutine.return() frees the sga that a pop has for it", async () => {
  const { libos, scheduler } = withFakeClock();
  const qd = libos.queue();
  const coroutine = popByte(libos, qd);
  const promise = libos.spawn(coroutine);
  scheduler.turn();
  libos.wait(libos.push(qd, libos.alloc(1)));
  coroutine.return(0);
  await within(promise);
  assertEquals(libos.statistics().buffers, 0);
});

Deno.test("Scheduler rejects the promise of a coroutine that yields what is no operation", async () => {
  const libos = new MemoryLibOS();
  const promise = libos.spawn(function* (): Coroutine {
    yield {};
  }());
  const error = await assertRejectsCode("EINVAL", promise);
  assertStringIncludes(error.message, "yield*");
});

Deno.test("Scheduler does not run coroutines inside of a coroutine that blocks in wait()", async () => {
  const libos = new MemoryLibOS();
  const qd = libos.queue();
  const log: string[] = [];
  const blocking = libos.spawn(function* (): Coroutine {
    log.push("begin");
    assertCode("ETIMEDOUT", () => libos.wait(libos.pop(qd), 1));
    log.push("end");
    yield* libos.operations.sleep(0);
    log.push("slept");
  }());
  // deno-lint-ignore require-yield -- one that never waits
  const other = libos.spawn(function* (): Coroutine {
    log.push("other");
  }());
  await Promise.all([blocking, other]);
  assertEquals(log, ["begin", "end", "other", "slept"]);
});

Deno.test("Scheduler runs coroutines while the thread blocks in wait()", () => {
  const { libos } = withFakeClock();
  const qd = libos.queue();
  void libos.spawn(function* (): Coroutine {
    yield* libos.operations.sleep(1);
    yield* pushByte(libos, qd, 9);
  }());
  const completion = libos.wait(libos.pop(qd));
  if (completion.opcode !== "pop") throw new Error("no pop");
  using sga = completion.sga!;
  assertEquals(sga.bytes()[0], 9);
});

Deno.test("Scheduler runs more coroutines at once than its ring had room for", async () => {
  const scheduler = new Scheduler();
  const results = await Promise.all(Array.from({ length: 1000 }, (_, i) =>
    // deno-lint-ignore require-yield -- one that never waits
    scheduler.spawn(function* (): Coroutine<number> {
      return i;
    }())));
  assertEquals(results, Array.from({ length: 1000 }, (_, i) => i));
});
