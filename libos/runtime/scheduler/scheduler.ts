/**
 * The scheduler: it polls the devices, fires the timers and runs the coroutines of a thread.
 *
 * One turn reads the clock, polls every libOS, fires what is due and runs the coroutines that became ready,
 * first in first out. The {@linkcode Loop} takes turn after turn.
 *
 * @module
 */

import type { Clock, Driver, Host, Parker } from "./driver.ts";
import { denoHost } from "./host.ts";
import { type IdlePolicy, Loop, type Turns } from "./loop.ts";
import { type Runnable, Task } from "./task.ts";
import { TimerHeap } from "./timers.ts";
import type { Coroutine } from "../../pdpix.ts";

/**
 * So many operations that are over when they are waited for go on at once, until the next turn or the next
 * step of the coroutine; what comes then waits for a turn, so that whoever never has to wait starves nobody.
 */
const CREDIT = 256;

/** How a {@linkcode Scheduler} is made. */
export interface SchedulerOptions {
  /** What to do when there is nothing to do, as long as no libOS says more; `adaptive` by default. */
  readonly idle?: IdlePolicy;
  /** The clock; `performance.now()` by default. */
  readonly clock?: Clock;
  /** The event loop that it shares its thread with; Deno's by default. */
  readonly host?: Host;
  /** Makes what looks and sleeps, as long as there is a libOS; without it, only time wakes the loop. */
  readonly makeParker?: () => Parker;
}

/** Whoever is woken by an operation on it may come back with another one. */
export interface Waker {
  /** How many functions it woke that are not back, in the round {@linkcode Waker.wokenIn}. */
  woken: number;
  /** In which round that was: see {@linkcode Scheduler.woke}. */
  wokenIn: number;
}

/** The idle policies, the most wakeful one first. */
const WAKEFULNESS: readonly IdlePolicy[] = ["spin", "adaptive", "park"];

/** See the module's description. */
export class Scheduler implements Turns {
  /** The timers of everything that runs here. */
  readonly timers: TimerHeap = new TimerHeap(() => {
    if (this.#isPassive) this.#loop.start();
    else this.#loop.rouse();
  });
  /** The clock of those timers. */
  readonly clock: Clock;
  /** The coroutine that runs now. */
  current: Task | null = null;
  /** What it does when there is nothing to do: what the most wakeful of its libOSes wants. */
  idle: IdlePolicy;
  /** See {@linkcode Turns.wakes}. */
  wakes = true;
  /** See {@linkcode Turns.references}. */
  references = 0;
  /** See {@linkcode Turns.unreferenced}. */
  unreferenced = 0;
  /** See {@linkcode Turns.away}. */
  away = 0;
  /** See {@linkcode Turns.strangers}. */
  strangers = false;
  #credit = CREDIT;
  /** Those who were woken in one round have their goes together. */
  #round = 1;
  /** How many of them came back with an operation on something that had woken nobody. */
  #returnedElsewhere = 0;
  readonly #loop: Loop;
  readonly #ownIdle: IdlePolicy;
  readonly #policies = new Map<Driver, IdlePolicy>();
  readonly #makeParker: (() => Parker) | undefined;
  #parker: Parker | null = null;
  readonly #drivers: Driver[] = [];
  /** Whether all libOSes, and there are some, are passive: the loop stands still then but for timers. */
  #isPassive = false;
  /** Whether what has come is being told now, and a turn follows. */
  #arriving = false;
  /** Who can go on, the first that became ready first. */
  #ready: Runnable | null = null;
  #lastReady: Runnable | null = null;
  /** When the turn began, in an array since a number field would be boxed anew on each write. */
  readonly #now = new Float64Array(1);
  #hadWork = false;

  /** Makes a scheduler that stands still until something is spawned or pending. */
  constructor(options: SchedulerOptions = {}) {
    this.#ownIdle = options.idle ?? "adaptive";
    this.idle = this.#ownIdle;
    this.clock = options.clock ?? performanceClock;
    this.#makeParker = options.makeParker;
    this.#loop = new Loop(this, options.host ?? denoHost);
  }

  /** See {@linkcode Turns.now}. */
  get now(): number {
    return this.#now[0]!;
  }

  /** See {@linkcode Turns.hasReady}. */
  get hasReady(): boolean {
    return this.#ready !== null;
  }

  /** See {@linkcode Turns.parker}. */
  get parker(): Parker | null {
    return this.#parker;
  }

  /** Whether turns follow each other for a while when there is nothing to do; if not, there is a sleep at once. */
  get spins(): boolean {
    return this.#loop.spins;
  }

  /** Adds a libOS to poll, which wants an idle policy, if it is not all one to it. */
  attach(driver: Driver, idle?: IdlePolicy): void {
    const parker = driver.isPassive ? this.#parker : this.#parker ?? this.#makeParker?.() ?? null;
    try {
      if (driver.fd >= 0) parker?.watch(driver.fd);
    } catch (error) {
      if (parker !== this.#parker) void parker?.close();
      throw error;
    }
    this.#parker = parker;
    this.#drivers.push(driver);
    if (idle !== undefined) this.#policies.set(driver, idle);
    this.#chooseSleep();
  }

  /** Removes a libOS, if it was added; with the last one, everything that the scheduler holds is let go of. */
  async detach(driver: Driver): Promise<void> {
    const index = this.#drivers.indexOf(driver);
    if (index < 0) return;
    this.#drivers.splice(index, 1);
    this.#policies.delete(driver);
    this.#chooseSleep();
    const parker = this.#parker;
    if (parker === null || driver.isPassive) return;
    if (driver.fd >= 0) parker.unwatch(driver.fd);
    if (!this.#drivers.every(isPassive)) return;
    // Whoever sleeps from now on has a parker of his own.
    this.#parker = null;
    if (parker.parked) {
      const sleep = parker.park();
      parker.wake();
      await sleep;
    }
    await parker.close();
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
    if (!this.#loop.running && !this.#arriving) this.#loop.start();
  }

  /**
   * Used by passive libOSes: tells what has come in a go of Deno's, and lets whoever becomes ready by that go on at once,
   * unless the loop has turns anyway.
   */
  arrive<T>(tell: (came: T) => void, came: T): void {
    if (!this.#isPassive || this.#loop.running) return tell(came);
    this.#arriving = true;
    try {
      tell(came);
      this.turn();
    } finally {
      this.#arriving = false;
      if (this.hasReady) this.#loop.start();
    }
  }

  /** Takes one from what may go on without a turn in between; says whether there was one. */
  spend(): boolean {
    return --this.#credit >= 0;
  }

  /** An operation is pending. */
  retain(referenced: boolean): void {
    if (referenced) this.references++;
    else this.unreferenced++;
    if (!this.#loop.running && !this.#isPassive) this.#loop.start();
  }

  /** An operation is over. */
  release(referenced: boolean): void {
    if (referenced) this.references--;
    else this.unreferenced--;
    if (this.references === 0) this.#loop.rouse();
  }

  /** A promise was settled: whoever waits for it will come back with another operation on the same. */
  woke(waker: Waker): void {
    if (this.#isPassive) return;
    if (waker.wokenIn !== this.#round) {
      waker.wokenIn = this.#round;
      waker.woken = 0;
    }
    waker.woken++;
    this.away++;
    if (!this.#loop.running) this.#loop.start();
  }

  /** A promise was settled, and nobody knows where whoever waits for it will go. */
  wokeStranger(): void {
    if (this.#isPassive) return;
    this.strangers = true;
    if (!this.#loop.running) this.#loop.start();
  }

  /** Somebody waits for an operation, who was woken by another one on the same, as nearly always, or elsewhere. */
  returned(waker: Waker): void {
    if (waker.wokenIn === this.#round && waker.woken > 0) {
      waker.woken--;
      if (this.#returnedElsewhere === 0) this.away--;
      else this.#returnedElsewhere--;
    } else if (this.away > 0) {
      this.#returnedElsewhere++;
      this.away--;
    }
  }

  /** See {@linkcode Turns.isSure}. */
  get isSure(): boolean {
    return this.#returnedElsewhere === 0;
  }

  /** See {@linkcode Turns.forget}. */
  forget(): void {
    this.away = 0;
    this.#returnedElsewhere = 0;
    this.#round = (this.#round + 1) & 0x3fffffff;
  }

  /**
   * One turn; says how much was done. A patient one lets drivers wait for their devices: an async function that
   * was woken would wait with them.
   */
  turn(patient = this.away === 0): number {
    const now = this.clock.read();
    this.#now[0] = now;
    this.#credit = CREDIT;
    let work = 0;
    const drivers = this.#drivers;
    for (let i = 0; i < drivers.length; i++) work += drivers[i]!.poll(now, patient);
    if (this.timers.deadline <= now) work += this.timers.fire(now);
    if (this.#ready !== null && this.current === null) work += this.#runReady();
    if (work > 0) this.#loop.noteWork(now, !this.#hadWork);
    this.#hadWork = work > 0;
    return work;
  }

  /**
   * Takes turns, blocking the thread, until `over` says so or `timeout` milliseconds have passed; says which. Idle, it
   * sleeps as the policy says.
   */
  block(over: () => boolean, timeout: number): boolean {
    // The time is that of the first turn: to ask for it before as well would cost each wait two looks at the clock.
    for (let deadline = -Infinity;;) {
      // Microtasks do not run in here.
      const worked = this.turn(true) > 0;
      if (over()) return true;
      const { now } = this;
      if (deadline === -Infinity) {
        deadline = now + timeout;
        this.#loop.noteWork(now, false);
      }
      if (now >= deadline) return false;
      if (!worked && this.#parker !== null && this.#loop.isTired(now)) {
        this.prepareToPark();
        // A socket that cannot be watched has failed by that.
        if (over()) return true;
        if (this.#ready !== null) continue;
        this.#parker.block(Math.min(deadline, this.deadline()) - now);
      }
    }
  }

  /** See {@linkcode Turns.deadline}. */
  deadline(): number {
    let deadline = this.timers.deadline;
    for (const driver of this.#drivers) deadline = Math.min(deadline, driver.deadline());
    return deadline;
  }

  /** See {@linkcode Turns.prepareToPark}. */
  prepareToPark(): void {
    for (const driver of this.#drivers) driver.prepareToPark();
  }

  #runReady(): number {
    // Only those that are ready now: one that becomes ready meanwhile waits for the next turn, so that
    // devices and timers are never starved.
    let one = this.#ready;
    this.#ready = null;
    this.#lastReady = null;
    let count = 0;
    try {
      while (one !== null) {
        const current: Runnable = one;
        one = current.next;
        current.next = null;
        this.#credit = CREDIT;
        current.step(this);
        count++;
      }
    } finally {
      // Somebody's mistake is not the others'.
      for (; one !== null; one = this.#putBack(one));
    }
    return count;
  }

  #putBack(one: Runnable): Runnable | null {
    const { next } = one;
    one.next = null;
    this.makeReady(one);
    return next;
  }

  #chooseSleep(): void {
    const wanted = [...this.#policies.values()];
    this.#isPassive = this.#drivers.length > 0 && this.#drivers.every(isPassive);
    this.wakes = this.#drivers.every((driver) => driver.fd >= 0 || isPassive(driver));
    this.idle = WAKEFULNESS.find((policy) => wanted.includes(policy)) ?? this.#ownIdle;
  }
}

function isPassive(driver: Driver): boolean {
  return driver.isPassive === true;
}

const performanceClock: Clock = { read: () => performance.now() };
