/**
 * The scheduler: the loop that polls the devices, fires the timers and runs the coroutines of a thread.
 *
 * One turn reads the clock, polls every libOS, fires what is due and runs the coroutines that became ready,
 * first in first out. Turns follow each other without a pause for {@linkcode MACROTASK} milliseconds, or until there was
 * nothing to do for {@linkcode LULL}; then the loop goes back to Deno, so that its timers, signals and sockets live.
 * When nothing happens, the idle policy decides whether to go on or to sleep. See `docs/design.md` for the figures behind the constants.
 *
 * @module
 */

import type { Clock, Driver, Parker } from "./driver.ts";
import { type Runnable, Task } from "./task.ts";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { TimerHeap } from "./timers.ts";
import type { Coroutine } from "../../pdpix.ts";

/**
 * What a scheduler does when there is nothing to do: `spin` goes on polling, `park` sleeps at once until a
 * device wakes it, `adaptive` spins for a while and then sleeps.
 */
export type IdlePolicy = "spin" | "adaptive" | "park";

/**
 * How long a busy loop takes turns before Deno's own event loop has a go, in milliseconds. The way there and back takes
 * some 5 µs, which whoever sends a request meanwhile has to wait for: one in a few hundred.
 */
const MACROTASK = 4;
/** The same for a loop that has had nothing to do for so long. */
const LULL = 0.1;
/**
 * How many goes Deno's event loop has in a row when the loop is busy, with a turn in between. It looks at its sockets
 * in one of 61 only, and a go that follows another takes a third of the time.
 */
const GOES = 12;
/** How long `adaptive` spins: about what it costs to be woken from sleep, in milliseconds. */
const SPIN = 0.1;
/**
 * After a promise was resolved, this many turns let microtasks run in between: an async function may take
 * several of them to come to its next operation. What takes more runs at the end of the macrotask.
 */
const MICROTASK_TURNS = 32;
/**
 * So many operations that are over when they are waited for go on at once, until the next turn or the next
 * step of the coroutine; what comes then waits for a turn, so that whoever never has to wait starves nobody.
 */
const CREDIT = 256;
/** The longest time that Deno's timers take, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;
/**
 * How long a loop that must not keep the process alive, and so cannot sleep for a device, pauses before it
 * looks again, in milliseconds: twice as long each time, since nothing happens.
 */
const FIRST_PAUSE = 1;
const LAST_PAUSE = 32;

/** How a {@linkcode Scheduler} is made. */
export interface SchedulerOptions {
  /** What to do when there is nothing to do, as long as no libOS says more; `adaptive` by default. */
  readonly idle?: IdlePolicy;
  /** The clock; `performance.now()` by default. */
  readonly clock?: Clock;
}

/** The idle policies, the most wakeful one first. */
const WAKEFULNESS: readonly IdlePolicy[] = ["spin", "adaptive", "park"];

const STOPPED = 0;
const RUNNING = 1;
const PARKED = 2;

/** See the module's description. */
export class Scheduler {
  /** The timers of everything that runs here. */
  readonly timers: TimerHeap = new TimerHeap(() => {
    if (this.#state === PARKED) this.#start();
  });
  /** The clock of those timers. */
  readonly clock: Clock;
  /** The coroutine that runs now. */
  current: Task | null = null;
  #credit = CREDIT;

  /** What it does when there is nothing to do: what the most wakeful of its libOSes wants. */
  idle: IdlePolicy;
  readonly #ownIdle: IdlePolicy;
  readonly #policies = new Map<Driver, IdlePolicy>();
  /** How to sleep; without it, only timers wake the loop, or operations started elsewhere. */
  #parker: Parker | null = null;
  readonly #drivers: Driver[] = [];
  /** Who can go on, the first that became ready first. */
  #ready: Runnable | null = null;
  #lastReady: Runnable | null = null;
  /** Pending operations that keep the process alive. */
  #references = 0;
  /** Pending operations that do not. */
  #unreferenced = 0;
  #state = STOPPED;
  #microtaskTurns = 0;
  /** How many goes Deno's event loop has yet to have. */
  #goes = 0;
  /** Times, in an array since a number field would be boxed anew on each write: now, last go, last work. */
  readonly #times = new Float64Array(3);
  #timeout: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE;

  /** Makes a scheduler that stands still until something is spawned or pending. */
  constructor(options: SchedulerOptions = {}) {
    this.#ownIdle = options.idle ?? "adaptive";
    this.idle = this.#ownIdle;
    this.clock = options.clock ?? performanceClock;
  }

  /**
   * Adds a libOS to poll, which wants an idle policy, if it is not all one to it. `makeParker` makes what sleeps
   * for its file descriptor, and for others.
   */
  attach(driver: Driver, makeParker: () => Parker, idle?: IdlePolicy): void {
    if (driver.fd >= 0) {
      const parker = this.#parker ?? makeParker();
      try {
        parker.watch(driver.fd);
      } catch (error) {
        if (parker !== this.#parker) parker.close();
        throw error;
      }
      this.#parker = parker;
    }
    this.#drivers.push(driver);
    if (idle !== undefined) this.#policies.set(driver, idle);
    this.#chooseIdle();
  }

  /** Removes a libOS; with the last one, everything that the scheduler holds is let go of. */
  async detach(driver: Driver): Promise<void> {
    this.#drivers.splice(this.#drivers.indexOf(driver), 1);
    this.#policies.delete(driver);
    this.#chooseIdle();
    const parker = this.#parker;
    if (parker === null) return;
    if (driver.fd >= 0) parker.unwatch(driver.fd);
    if (this.#drivers.length > 0) return;
    // Whoever sleeps from now on has a parker of his own.
    this.#parker = null;
    if (parker.parked) {
      const sleep = parker.park();
      parker.wake();
      await sleep;
    }
    parker.close();
  }

  /** Runs a coroutine. Gives what it returns, or rejects with what it throws. */
  spawn<T>(coroutine: Coroutine<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.makeReady(new Task(coroutine, resolve as (value: unknown) => void, reject));
    });
  }

  /** Lets a coroutine, or whatever it is, go on in the next turn. */
  makeReady(one: Runnable): void {
    if (this.#lastReady === null) this.#ready = one;
    else this.#lastReady.next = one;
    this.#lastReady = one;
    if (this.#state !== RUNNING) this.#start();
  }

  /** Takes one from what may go on without a turn in between; says whether there was one. */
  spend(): boolean {
    return --this.#credit >= 0;
  }

  /** An operation is pending. */
  retain(referenced: boolean): void {
    if (referenced) this.#references++;
    else this.#unreferenced++;
    if (this.#state !== RUNNING) this.#start();
  }

  /** An operation is over. */
  release(referenced: boolean): void {
    if (referenced) this.#references--;
    else this.#unreferenced--;
    if (this.#state === PARKED && this.#references === 0) this.#start();
  }

  /** A promise was resolved: turns let its microtasks run. */
  expectMicrotasks(): void {
    this.#microtaskTurns = MICROTASK_TURNS;
    if (this.#state !== RUNNING) this.#start();
  }

  /**
   * One turn; says how much was done. A patient one lets drivers wait for their devices: an async function that
   * was woken would wait with them.
   */
  turn(patient = this.#microtaskTurns === 0): number {
    const now = this.clock.read();
    this.#times[0] = now;
    this.#credit = CREDIT;
    let work = 0;
    const drivers = this.#drivers;
    for (let i = 0; i < drivers.length; i++) work += drivers[i]!.poll(patient);
    if (this.timers.deadline <= now) work += this.timers.fire(now);
    if (this.#ready !== null && this.current === null) work += this.#runReady();
    if (work > 0) this.#times[2] = now;
    return work;
  }

  /**
   * Takes turns, blocking the thread, until `over` says so or the deadline has passed; says which. Idle, it
   * sleeps as the policy says.
   */
  block(over: () => boolean, deadline: number): boolean {
    this.#times[2] = this.clock.read();
    for (;;) {
      // Microtasks do not run in here.
      const worked = this.turn(true) > 0;
      if (over()) return true;
      const now = this.#times[0]!;
      if (now >= deadline) return false;
      if (!worked && this.#parker !== null && this.#tired(now)) {
        this.#prepareToPark();
        this.#parker.block(Math.min(deadline, this.#deadline()) - now);
      }
    }
  }

  #runReady(): number {
    // Only those that are ready now: one that becomes ready meanwhile waits for the next turn, so that
    // devices and timers are never starved.
    let one = this.#ready;
    this.#ready = null;
    this.#lastReady = null;
    let count = 0;
    while (one !== null) {
      const { next } = one;
      one.next = null;
      this.#credit = CREDIT;
      one.step(this);
      one = next;
      count++;
    }
    return count;
  }

  /** Turns; a mistake in one of them does not end all the others. */
  readonly #turns = (): void => {
    try {
      this.#takeTurns();
    } catch (error) {
      setImmediate(this.#macrotask);
      throw error;
    }
  };

  /** Turns, until Deno's event loop is to have a go or there is nothing to do. */
  #takeTurns(): void {
    const times = this.#times;
    for (;;) {
      const work = this.turn();
      if (work > 0) this.#pause = FIRST_PAUSE;
      if (this.#goes === 0) this.#goes = this.#goesDue(work > 0 || this.#microtaskTurns > 0);
      if (this.#goes === 0) {
        if (this.#ready !== null) continue;
        if (this.#microtaskTurns > 0) {
          this.#microtaskTurns--;
          queueMicrotask(this.#turns);
          return;
        }
      }
      if (this.#ready === null && this.#microtaskTurns === 0) {
        if (this.#references === 0) return this.#rest();
        if (work === 0 && this.#tired(times[0]!)) return this.#park();
      }
      if (this.#goes > 0) {
        this.#goes--;
        setImmediate(this.#macrotask);
        return;
      }
    }
  }

  /**
   * How many goes Deno's event loop is to have now. A busy one has them right after it did something, since whoever
   * was just answered will be the last to notice.
   */
  #goesDue(worked: boolean): number {
    const times = this.#times;
    const now = times[0]!;
    const isIdle = now - times[2]! >= LULL;
    if (isIdle ? now - times[1]! < LULL : !worked || now - times[1]! < MACROTASK) return 0;
    return isIdle ? 1 : GOES;
  }

  readonly #macrotask = (): void => {
    this.#microtaskTurns = 0;
    // Now the goes are over: whatever Deno did in them is not taken from the time for turns.
    if (this.#goes === 0) this.#times[1] = this.clock.read();
    this.#turns();
  };

  /** A device has something to say, and soon perhaps more. */
  readonly #wakeForDevice = (): void => {
    if (this.#state !== PARKED) return;
    this.#times[2] = this.clock.read();
    this.#wakeByTime();
  };

  /** It is time to look. If there is nothing to do then, the next sleep begins at once. */
  readonly #wakeByTime = (): void => {
    if (this.#state !== PARKED) return;
    this.#state = RUNNING;
    clearTimeout(this.#timeout);
    this.#times[1] = this.clock.read();
    this.#macrotask();
  };

  #start(): void {
    clearTimeout(this.#timeout);
    this.#state = RUNNING;
    this.#times[2] = this.clock.read();
    this.#times[1] = this.#times[2]!;
    setImmediate(this.#macrotask);
  }

  #tired(now: number): boolean {
    if (this.idle === "spin") return false;
    return this.idle === "park" || now - this.#times[2]! > SPIN;
  }

  #deadline(): number {
    let deadline = this.timers.deadline;
    for (const driver of this.#drivers) deadline = Math.min(deadline, driver.deadline());
    return deadline;
  }

  #prepareToPark(): void {
    for (const driver of this.#drivers) driver.prepareToPark();
  }

  #park(): void {
    this.#state = PARKED;
    this.#goes = 0;
    this.#prepareToPark();
    const deadline = this.#deadline();
    if (deadline !== Infinity) {
      const milliseconds = Math.max(0, Math.ceil(deadline - this.#times[0]!));
      this.#timeout = setTimeout(this.#wakeByTime, Math.min(milliseconds, LONGEST_TIMEOUT));
    }
    // A sleep that goes on still, since a timer ended the last one here, wakes the loop all the same.
    if (this.#parker?.parked === false) this.#parker.park().then(this.#wakeForDevice);
  }

  /** Nothing keeps the process alive. Looks after what is pending all the same, as long as it lives. */
  #rest(): void {
    this.#goes = 0;
    this.#parker?.wake();
    if (this.#unreferenced === 0) {
      this.#state = STOPPED;
    } else if (this.#tired(this.#times[0]!)) {
      this.#state = PARKED;
      this.#timeout = setTimeout(this.#wakeByTime, this.#pause);
      this.#timeout.unref();
      this.#pause = Math.min(2 * this.#pause, LAST_PAUSE);
    } else {
      // Not running: what keeps the process alive from now on has to start it anew.
      this.#state = PARKED;
      setImmediate(this.#wakeByTime).unref();
    }
  }

  #chooseIdle(): void {
    const wanted = [...this.#policies.values()];
    this.idle = WAKEFULNESS.find((policy) => wanted.includes(policy)) ?? this.#ownIdle;
  }
}

const performanceClock: Clock = { read: () => performance.now() };
