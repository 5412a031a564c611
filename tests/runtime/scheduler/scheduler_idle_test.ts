/**
 * When the loop polls, when it sleeps, and what wakes it: with a clock, a device and a sleep of the test's.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { IdlePolicy } from "../../../libos/runtime/scheduler/loop.ts";
import { Scheduler } from "../../../libos/runtime/scheduler/scheduler.ts";
import { Timer } from "../../../libos/runtime/scheduler/timers.ts";
import { pause, within } from "../_assert.ts";
import { FakeClock, FakeDriver, FakeParker } from "../_fakes.ts";
import type { Coroutine } from "../../../libos/pdpix.ts";

function makeScheduler(idle: IdlePolicy) {
  const clock = new FakeClock();
  const driver = new FakeDriver();
  const parker = new FakeParker(clock);
  const scheduler = new Scheduler({ idle, clock, makeParker: () => parker });
  scheduler.attach(driver);
  return { clock, scheduler, driver, parker };
}

/** Waits until something is so, while Deno's event loop goes on. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await pause(1);
  assert(condition(), "it never came to that");
}

for (const idle of ["park", "adaptive"] as const) {
  Deno.test(`Scheduler that is ${idle} sleeps when nothing happens, and reads no clock`, async () => {
    const { clock, scheduler, driver, parker } = makeScheduler(idle);
    scheduler.retain(true);
    await until(() => parker.parked);
    const { reads } = clock;
    const { polls } = driver;
    await pause(10);
    assertEquals([clock.reads, driver.polls, parker.sleeps], [reads, polls, 1]);
    scheduler.release(true);
    await scheduler.detach(driver);
  });

  Deno.test(`Scheduler that is ${idle} goes on when the device wakes it`, async () => {
    const { scheduler, driver, parker } = makeScheduler(idle);
    scheduler.retain(true);
    await until(() => parker.parked);
    const served = Promise.withResolvers<void>();
    driver.onPoll = () => {
      served.resolve();
      return 0;
    };
    parker.wake();
    await within(served.promise);
    await until(() => parker.parked);
    scheduler.release(true);
    await scheduler.detach(driver);
  });

  Deno.test(`Scheduler that is ${idle} wakes for a timer`, async () => {
    const { clock, scheduler, driver, parker } = makeScheduler(idle);
    const fired = Promise.withResolvers<void>();
    scheduler.timers.arm(new Timer(fired.resolve), clock.now + 5);
    scheduler.retain(true);
    await until(() => parker.parked);
    clock.now += 10;
    await within(fired.promise);
    scheduler.release(true);
    await scheduler.detach(driver);
  });

  Deno.test(`Scheduler that is ${idle} wakes when a device has to be polled by time`, async () => {
    const { clock, scheduler, driver, parker } = makeScheduler(idle);
    driver.due = 5;
    scheduler.retain(true);
    await until(() => parker.parked);
    const polled = Promise.withResolvers<void>();
    driver.onPoll = () => {
      polled.resolve();
      driver.due = Infinity;
      return 1;
    };
    clock.now += 10;
    await within(polled.promise);
    scheduler.release(true);
    await scheduler.detach(driver);
  });

  Deno.test(`Scheduler that is ${idle} wakes for what is started elsewhere`, async () => {
    const { scheduler, driver, parker } = makeScheduler(idle);
    scheduler.retain(true);
    await until(() => parker.parked);
    const { polls } = driver;
    await within(scheduler.spawn(function* (): Coroutine {}()));
    assertGreater(driver.polls, polls);
    const before = driver.polls;
    scheduler.retain(true);
    await until(() => driver.polls > before);
    scheduler.release(true);
    scheduler.release(true);
    await scheduler.detach(driver);
  });
}

Deno.test("Scheduler that is adaptive polls on for a while after there was something to do", async () => {
  const pollsUntilDoze = async (idle: IdlePolicy) => {
    const { scheduler, driver, parker } = makeScheduler(idle);
    let polls = 0;
    parker.onDoze = () => void (polls ||= driver.polls);
    scheduler.retain(true);
    await until(() => parker.parked);
    scheduler.release(true);
    await scheduler.detach(driver);
    return polls;
  };
  assertGreater(await pollsUntilDoze("adaptive"), 5);
  assertLess(await pollsUntilDoze("park"), 4);
});

Deno.test("Scheduler that spins never sleeps, and lets Deno's timers live", async () => {
  const { scheduler, driver, parker } = makeScheduler("spin");
  scheduler.retain(true);
  await pause(5);
  const { polls } = driver;
  await pause(5);
  assertGreater(driver.polls, polls);
  assertEquals(parker.sleeps, 0);
  scheduler.release(true);
  await scheduler.detach(driver);
});

Deno.test("Scheduler stands still when nothing is pending", async () => {
  const { scheduler, driver, parker } = makeScheduler("spin");
  scheduler.retain(true);
  scheduler.release(true);
  await pause(5);
  const { polls } = driver;
  await pause(10);
  assertEquals(driver.polls, polls);
  assertEquals(parker.sleeps, 0);
  await scheduler.detach(driver);
});

Deno.test("Scheduler ends its sleep when the last operation that keeps the process alive is over", async () => {
  const { scheduler, driver, parker } = makeScheduler("park");
  scheduler.retain(true);
  await until(() => parker.parked);
  scheduler.release(true);
  await until(() => !parker.parked);
  await scheduler.detach(driver);
});

Deno.test("Scheduler looks after what does not keep the process alive, without sleeping", async () => {
  const { scheduler, driver, parker } = makeScheduler("park");
  scheduler.retain(false);
  await until(() => driver.polls > 3);
  assertEquals(parker.parked, false);
  scheduler.release(false);
  await pause(5);
  await scheduler.detach(driver);
});

Deno.test("Scheduler that is woken by timers joins its sleep, and leaves nothing behind each time", async () => {
  const { clock, scheduler, driver, parker } = makeScheduler("park");
  scheduler.retain(true);
  await until(() => parker.parked);
  for (let i = 0; i < 20; i++) {
    const fired = Promise.withResolvers<void>();
    scheduler.timers.arm(new Timer(fired.resolve), clock.now);
    scheduler.retain(true);
    await within(fired.promise);
    scheduler.release(true);
    await pause(1);
  }
  const { sleeps, reactions } = parker;
  scheduler.release(true);
  await scheduler.detach(driver);
  assertEquals(sleeps, 1);
  assertLess(reactions, 3);
});

Deno.test("Scheduler sleeps for a timer that is further off than Deno's timers reach", async () => {
  const { clock, scheduler, driver, parker } = makeScheduler("park");
  const timer = new Timer(() => {});
  scheduler.timers.arm(timer, 2 ** 40);
  scheduler.retain(true);
  await until(() => parker.parked);
  await pause(5);
  const { reads } = clock;
  await pause(20);
  const readsLater = clock.reads;
  scheduler.timers.disarm(timer);
  scheduler.release(true);
  await scheduler.detach(driver);
  assertEquals(readsLater, reads);
});

Deno.test("Scheduler.block() sleeps until the next timer, or the deadline", () => {
  const { clock, scheduler, parker } = makeScheduler("park");
  let fired = false;
  scheduler.timers.arm(new Timer(() => fired = true), 100);
  assertEquals(scheduler.block(() => fired, 1000), true);
  assertLess(clock.now, 101);
  assertEquals(scheduler.block(() => false, 300), false);
  assertGreater(clock.now, 299.9);
  assertLess(parker.blocks.length, 5);
});

Deno.test("Scheduler.block() does not sleep for what is over by the preparation of the sleep", () => {
  const { scheduler, driver, parker } = makeScheduler("park");
  let over = false;
  driver.prepareToPark = () => void (over = true);
  assertEquals(scheduler.block(() => over, 1000), true);
  let ran = false;
  driver.prepareToPark = () => scheduler.makeReady({ next: null, step: () => ran = true });
  assertEquals(scheduler.block(() => ran, 1000), true);
  assertEquals(parker.blocks, []);
});

Deno.test("Scheduler.block() never sleeps if it spins", () => {
  const { scheduler, parker } = makeScheduler("spin");
  assertEquals(scheduler.block(() => false, 5), false);
  assertEquals(parker.blocks, []);
});

Deno.test("Scheduler.detach() closes the parker, once the last device is gone and it sleeps no more", async () => {
  const { scheduler, driver, parker } = makeScheduler("park");
  const other = new FakeDriver(8);
  scheduler.attach(other);
  assertEquals([...parker.watched], [7, 8]);
  scheduler.retain(true);
  await until(() => parker.parked);
  await scheduler.detach(driver);
  assertEquals([...parker.watched], [8]);
  assertEquals(parker.closed, false);
  scheduler.release(true);
  await scheduler.detach(other);
  assertEquals([parker.closed, parker.parked, parker.watched.size], [true, false, 0]);
});

Deno.test("Scheduler.detach() ends although an operation is pending", async () => {
  const { scheduler, driver, parker } = makeScheduler("park");
  scheduler.retain(true);
  await until(() => parker.parked);
  let detached = false;
  const promise = scheduler.detach(driver).then(() => detached = true);
  for (let i = 0; i < 100 && !detached; i++) await Promise.resolve();
  scheduler.release(true);
  assertEquals(detached, true);
  await promise;
});

Deno.test("Scheduler.attach() during a detach gets a parker that stays open", async () => {
  const clock = new FakeClock();
  const parkers: FakeParker[] = [];
  const scheduler = new Scheduler({
    idle: "park",
    clock,
    makeParker: () => {
      parkers.push(new FakeParker(clock));
      return parkers.at(-1)!;
    },
  });
  const [early, late] = [new FakeDriver(), new FakeDriver(9)];
  scheduler.attach(early);
  scheduler.retain(true);
  await until(() => parkers[0]!.parked);
  const detached = scheduler.detach(early);
  scheduler.attach(late);
  scheduler.release(true);
  await detached;
  assertEquals(parkers.map(({ closed }) => closed), [true, false]);
  assertEquals([...parkers[1]!.watched], [9]);
  await scheduler.detach(late);
});

Deno.test("Scheduler does what the most wakeful of its libOSes wants, as long as it is there", async () => {
  const { scheduler, driver, parker } = makeScheduler("park");
  const spinning = new FakeDriver(8);
  scheduler.attach(spinning, "spin");
  scheduler.retain(true);
  await pause(5);
  assertEquals([scheduler.idle, parker.sleeps], ["spin", 0]);
  await scheduler.detach(spinning);
  assertEquals(scheduler.idle, "park");
  await until(() => parker.parked);
  scheduler.release(true);
  await scheduler.detach(driver);
});

Deno.test("Scheduler goes on after a device threw", async () => {
  const { scheduler, driver, parker } = makeScheduler("park");
  const thrown = Promise.withResolvers<unknown>();
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    thrown.resolve(event.error);
  };
  globalThis.addEventListener("error", onError);
  const mistake = new Error("mistake");
  driver.onPoll = () => {
    driver.onPoll = () => 0;
    throw mistake;
  };
  scheduler.retain(true);
  assertEquals(await within(thrown.promise), mistake);
  globalThis.removeEventListener("error", onError);
  await until(() => parker.parked);
  scheduler.release(true);
  await scheduler.detach(driver);
});

Deno.test("Scheduler lets a driver wait for its device only when no async function was woken", () => {
  const { scheduler, driver } = makeScheduler("spin");
  const patience: boolean[] = [];
  driver.onPoll = (_now, patient) => {
    patience.push(patient);
    return 0;
  };
  const waker = { woken: 0, wokenIn: 0 };
  scheduler.turn();
  scheduler.woke(waker);
  scheduler.turn();
  scheduler.returned(waker);
  scheduler.turn();
  assertEquals(patience, [true, false, true]);
});
