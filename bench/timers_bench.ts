/**
 * Our own cost of timers and of the clock, beside Deno's.
 *
 * @module
 */
import { MonotonicClock } from "../libos/runtime/scheduler/epoll_parker.ts";
import { Timer, TimerHeap } from "../libos/runtime/scheduler/timers.ts";

/** Timers, or readings of the clock, in one iteration. */
const BATCH = 1_000;
/** A prime, by which deadlines are scattered. */
const STEP = 7_919;

const nothing = () => {};

const group = "timers: 1 µs is 1 ns per timer";

Deno.bench("1 000 × setTimeout, clearTimeout", { group, baseline: true }, () => {
  for (let i = 0; i < BATCH; i++) clearTimeout(setTimeout(nothing, 1_000_000 + i));
});

for (const [others, count] of [["0", 0], ["100", 100], ["10 000", 10_000]] as const) {
  const timers = new TimerHeap();
  for (let i = 0; i < count; i++) timers.arm(new Timer(nothing), 1e6 + i);
  const timer = new Timer(nothing);
  Deno.bench(`1 000 × arm, disarm, beside ${others} others`, { group }, () => {
    for (let i = 0; i < BATCH; i++) {
      timers.arm(timer, 1e6 + (i * STEP) % (count + 1));
      timers.disarm(timer);
    }
  });
}

const due = new TimerHeap();
const all = Array.from({ length: BATCH }, () => new Timer(nothing));

Deno.bench("1 000 × arm, and all fire in order", { group }, () => {
  for (let i = 0; i < BATCH; i++) due.arm(all[i]!, (i * STEP) % BATCH);
  due.fire(BATCH);
});

const clock = new MonotonicClock();
/** Where a reading goes, so that V8 makes it. */
const reading = new Float64Array(1);
const clocks = "clock: 1 µs is 1 ns per reading";

Deno.bench("1 000 × performance.now()", { group: clocks, baseline: true }, () => {
  for (let i = 0; i < BATCH; i++) reading[0] = performance.now();
});

Deno.bench("1 000 × MonotonicClock.read()", { group: clocks }, () => {
  for (let i = 0; i < BATCH; i++) reading[0] = clock.read();
});
