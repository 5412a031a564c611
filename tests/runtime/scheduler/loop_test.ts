/**
 * Whose turn it is: with a clock, a device, a reactor and an event loop of the test's own.
 *
 * @module
 */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import type { IdlePolicy } from "../../../libos/runtime/scheduler/loop.ts";
import { Scheduler } from "../../../libos/runtime/scheduler/scheduler.ts";
import { FakeClock, FakeDriver, FakeHost, FakeParker } from "../_fakes.ts";

/** A device that always, or never, has something to do, in a world where a turn takes 1 µs. */
function makeWorld({ idle = "spin" as IdlePolicy, busy = true } = {}) {
  const clock = new FakeClock(0.001);
  const host = new FakeHost(clock);
  const parker = new FakeParker(clock);
  const driver = new FakeDriver();
  const scheduler = new Scheduler({ idle, clock, host, makeParker: () => parker });
  driver.onPoll = () => busy ? 1 : 0;
  parker.harvest = (then) => void host.bells.push(then);
  scheduler.attach(driver);
  scheduler.retain(true);
  // Turns end in a go of the host's at the latest after a millisecond.
  host.run();
  return { clock, host, parker, driver, scheduler };
}

type World = ReturnType<typeof makeWorld>;

/** A function that an operation wakes: it takes so many steps, and so many goes of the host, before it comes back. */
class Handler {
  readonly #world: World;
  readonly waker = { woken: 0, wokenIn: 0 };
  /** How many polls and goes passed until it came back. */
  polls = 0;
  goes = 0;
  back = true;

  constructor(world: World) {
    this.#world = world;
  }

  /** Called by the device, within a turn. */
  wake(steps: number, goes: number, isBack: () => void = () => {}): void {
    const { scheduler, driver, host } = this.#world;
    this.back = false;
    const [polls, gone] = [driver.polls, host.goes];
    const goOn = (stepsLeft: number, goesLeft: number): void => {
      if (stepsLeft > 0) return host.step(() => goOn(stepsLeft - 1, goesLeft));
      if (goesLeft > 0) return void host.immediates.push(() => goOn(steps, goesLeft - 1));
      scheduler.returned(this.waker);
      this.polls = driver.polls - polls;
      this.goes = host.goes - gone;
      this.back = true;
      isBack();
    };
    scheduler.woke(this.waker);
    goOn(steps, goes);
  }
}

/** Lets the device do something once, in the next turn that there is, and the host go on until it is so. */
function runUntil({ host, driver }: World, once: () => void, condition: () => boolean): void {
  const onPoll = driver.onPoll;
  driver.onPoll = (now, patient) => {
    driver.onPoll = onPoll;
    once();
    return 1 + 0 * onPoll(now, patient);
  };
  for (let i = 0; i < 1000 && !condition(); i++) host.run();
  assert(condition(), "it never came to that");
}

for (const busy of [true, false]) {
  const beside = busy ? "busy" : "idle";

  Deno.test(`Loop lets a function that was woken come back before the next turn (${beside})`, () => {
    const world = makeWorld({ busy });
    const handler = new Handler(world);
    for (let steps = 0; steps < 8; steps++) {
      runUntil(world, () => handler.wake(steps, 0), () => handler.back);
      assertEquals([handler.polls, handler.goes], [0, 0], `${steps} steps`);
    }
  });

  Deno.test(`Loop gives the host a go at once for a function that takes many steps (${beside})`, () => {
    const world = makeWorld({ busy });
    const handler = new Handler(world);
    runUntil(world, () => handler.wake(60, 0), () => handler.back);
    assertLessOrEqual(handler.polls, 1);
  });

  Deno.test(`Loop gives the host go after go for a function that needs them (${beside})`, () => {
    const world = makeWorld({ busy });
    const handler = new Handler(world);
    for (let goes = 1; goes <= 8; goes++) {
      runUntil(world, () => handler.wake(3, goes), () => handler.back);
      assertLessOrEqual(handler.polls, goes + 1);
    }
  });

  Deno.test(`Loop has the host look at its reactor when that has something, and gives it no goes without need (${beside})`, () => {
    const world = makeWorld({ busy });
    const { host, parker, driver, clock } = world;
    for (let i = 0; i < 20; i++) {
      let harvested = false;
      parker.ready = true;
      host.events.push(() => {
        parker.ready = false;
        harvested = true;
      });
      const [polls] = [driver.polls];
      while (!harvested) host.run();
      // Those until it looks, and as many as that took the last time.
      assertLessOrEqual(driver.polls - polls, 200);
    }
    for (let i = 0; i < 20; i++) host.run();
    const [{ goes }, { now }] = [host, clock];
    while (clock.now < now + 100) host.run();
    // One each millisecond, for its timers.
    assertLessOrEqual(host.goes - goes, 105);
  });

  Deno.test(`Loop lets the host's timers be late by a millisecond at most (${beside})`, () => {
    const { host, clock } = makeWorld({ busy });
    let late = 0;
    for (let i = 0; i < 50; i++) {
      const due = clock.now + 0.3 * i;
      let fired = false;
      host.later(() => {
        late = Math.max(late, clock.now - due);
        fired = true;
      }, 0.3 * i);
      while (!fired) host.run();
    }
    assertLessOrEqual(late, 1.1);
  });
}

Deno.test("Loop sleeps over devices and host at once, and looks at the host when it was woken", () => {
  const { host, parker } = makeWorld({ idle: "park", busy: false });
  for (let i = 0; i < 10 && parker.dozes.length === 0; i++) host.run();
  assertEquals(parker.dozes[0], 32);
  let harvested = false;
  parker.onDoze = () => {
    if (harvested) return;
    parker.ready = true;
    host.events.push(() => {
      parker.ready = false;
      harvested = true;
    });
  };
  const { length } = parker.dozes;
  for (let i = 0; i < 200 && !harvested; i++) host.run();
  assertEquals(harvested, true);
  assertLessOrEqual(parker.dozes.length - length, 2);
});

Deno.test("Loop does not sleep while the host has something to do at once, and wakes for its timers", () => {
  const { host, parker } = makeWorld({ idle: "park", busy: false });
  let left = 50;
  const again = () => void (--left > 0 && host.immediates.push(again));
  host.immediates.push(again);
  for (let i = 0; i < 49; i++) host.run();
  assertEquals([left, parker.dozes.length], [1, 0]);
  host.immediates.length = 0;
  host.later(() => {}, 1000);
  for (let i = 0; i < 10; i++) host.run();
  assert(parker.dozes.length > 0 && parker.dozes.every((timeout) => timeout <= 1));
});

Deno.test("Loop that is adaptive does not spin where pauses are long, and does again where they are short", () => {
  const world = makeWorld({ idle: "adaptive", busy: false });
  const { host, parker, driver, clock } = world;
  /** Has the device do something so many times, with pauses of some milliseconds; gives how often it slept. */
  const pauses = (count: number, milliseconds: number) => {
    parker.dozes.length = 0;
    let slept = 0;
    for (let i = 0; i < count; i++) {
      const due = clock.now + milliseconds;
      let done = false;
      const dozes = parker.dozes.length;
      parker.onDoze = () => Math.max(0, due - clock.now);
      driver.onPoll = () => {
        if (done || clock.now < due) return 0;
        done = true;
        return 1;
      };
      for (let j = 0; j < 10_000 && !done; j++) host.run();
      if (parker.dozes.length > dozes) slept++;
    }
    return slept;
  };
  pauses(40, 5);
  const polls = driver.polls;
  assertEquals(pauses(10, 5), 10);
  // It looked a few times at each, instead of for 0.1 ms.
  assertLessOrEqual(driver.polls - polls, 200);
  pauses(40, 0.02);
  assertEquals(pauses(10, 0.02), 0);
});

Deno.test("Loop gives everybody a turn, whatever the others do", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("wake" as const), steps: fc.nat(80), goes: fc.nat(12) }),
    fc.record({ kind: fc.constant("event" as const) }),
    fc.record({ kind: fc.constant("timer" as const), after: fc.nat(5) }),
    fc.record({ kind: fc.constant("coroutine" as const) }),
    fc.record({ kind: fc.constant("nothing" as const), goes: fc.nat(70) }),
  );
  fc.assert(fc.property(
    fc.array(action, { minLength: 1, maxLength: 60 }),
    fc.constantFrom<IdlePolicy>("spin", "adaptive", "park"),
    fc.boolean(),
    (actions, idle, busy) => {
      const world = makeWorld({ idle, busy });
      const { host, parker, driver, clock, scheduler } = world;
      const waits: { what: string; since: number; done: boolean }[] = [];
      const begin = (what: string) => {
        const wait = { what, since: clock.now, done: false };
        waits.push(wait);
        return () => {
          wait.done = true;
          // A doze of 32 ms is the longest that what the host cannot be asked for waits; whoever was forgotten would wait for ever.
          assertLessOrEqual(clock.now - wait.since, 50, what);
        };
      };
      for (const action of actions) {
        switch (action.kind) {
          case "wake": {
            const handler = new Handler(world);
            const onPoll = driver.onPoll;
            driver.onPoll = (now, patient) => {
              driver.onPoll = onPoll;
              handler.wake(action.steps, action.goes, begin("wake"));
              return onPoll(now, patient) + 1;
            };
            break;
          }
          case "event": {
            parker.ready = true;
            const done = begin("event");
            host.events.push(() => {
              if (host.events.length === 0) parker.ready = false;
              done();
            });
            break;
          }
          case "timer":
            host.later(begin("timer"), action.after);
            break;
          case "coroutine":
            scheduler.makeReady({ next: null, step: begin("coroutine") });
            break;
          case "nothing":
            for (let i = 0; i < action.goes; i++) host.run();
        }
        host.run();
      }
      for (let i = 0; i < 2000 && waits.some(({ done }) => !done); i++) {
        if (host.run()) continue;
        // Asleep outside of the host's way, as long as no device wakes it.
        clock.now += 1;
        scheduler.retain(true);
      }
      assertEquals(waits.filter(({ done }) => !done), []);
    },
  ));
});

Deno.test("Loop gives the host no goes for a function that comes back on another queue than the one that woke it", () => {
  const world = makeWorld({ busy: false });
  const { scheduler, driver, host, clock } = world;
  const queues = [{ woken: 0, wokenIn: 0 }, { woken: 0, wokenIn: 0 }];
  let wakes = 0;
  driver.onPoll = () => {
    // Longer than a wake-up's goes take.
    if (driver.polls % 500 !== 0) return 0;
    scheduler.woke(queues[wakes % 2]!);
    wakes++;
    host.step(() => scheduler.returned(queues[wakes % 2]!));
    return 1;
  };
  const [goes, now] = [host.goes, clock.now];
  while (wakes < 100) host.run();
  // One each millisecond, for its timers, and one for each lull.
  assertLessOrEqual(host.goes - goes, (clock.now - now) + 2 * wakes);
});
