/**
 * The scheduler where the libOSes are passive: what comes is told, and nothing is polled.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Scheduler } from "../../../libos/runtime/scheduler/scheduler.ts";
import { FakeClock, FakeDriver, FakeParker } from "../_fakes.ts";

/** A libOS whose device is Deno's. */
class PassiveDriver extends FakeDriver {
  readonly isPassive = true;

  constructor() {
    super(-1);
  }
}

/** A scheduler whose host takes note of goes that were asked for, and gives none. */
function makeScheduler() {
  let parkers = 0;
  const asked: (() => void)[] = [];
  const clock = new FakeClock();
  const scheduler = new Scheduler({
    clock,
    host: {
      go: (then) => void asked.push(then),
      step: (then) => void asked.push(then),
      later: () => ({ cancel() {} }),
      pending: () => "nothing",
    },
    makeParker: () => (parkers++, new FakeParker(clock)),
  });
  return { scheduler, asked, parkers: () => parkers };
}

/** Something that runs once it is ready, and takes note. */
function runnable(ran: string[], name: string) {
  return { next: null, step: () => void ran.push(name) };
}

Deno.test("retain() and woke() ask for no go where every libOS is passive, and none sleeps", () => {
  const { scheduler, asked, parkers } = makeScheduler();
  scheduler.attach(new PassiveDriver());
  scheduler.retain(true);
  scheduler.woke({ woken: 0, wokenIn: 0 });
  scheduler.wokeStranger();
  assertEquals([asked.length, parkers()], [0, 0]);
});

Deno.test("arrive() runs at once who becomes ready by it, and asks for a go for who does later", () => {
  const { scheduler, asked } = makeScheduler();
  scheduler.attach(new PassiveDriver());
  const ran: string[] = [];
  scheduler.arrive((name) => {
    scheduler.makeReady(runnable(ran, name));
    ran.push("told");
  }, "ready");
  assertEquals([ran, asked.length], [["told", "ready"], 0]);
  scheduler.arrive(() => {
    const later = runnable(ran, "later");
    scheduler.makeReady({ next: null, step: () => scheduler.makeReady(later) });
  }, undefined);
  assertEquals([ran, asked.length], [["told", "ready"], 1]);
});

Deno.test("arrive() leaves it to the loop where a libOS is polled", () => {
  const { scheduler, asked } = makeScheduler();
  scheduler.attach(new PassiveDriver());
  scheduler.attach(new FakeDriver());
  const ran: string[] = [];
  scheduler.arrive((name) => scheduler.makeReady(runnable(ran, name)), "ready");
  assertEquals([ran, asked.length], [[], 1]);
});

Deno.test("the scheduler is passive again when the last libOS that is polled has gone", async () => {
  const { scheduler, asked, parkers } = makeScheduler();
  const polled = new FakeDriver();
  scheduler.attach(polled);
  scheduler.attach(new PassiveDriver());
  await scheduler.detach(polled);
  scheduler.retain(true);
  assertEquals([asked.length, parkers()], [0, 1]);
});
