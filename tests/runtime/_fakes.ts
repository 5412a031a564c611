/**
 * A clock, a device and a sleep that are under the test's control.
 *
 * @module
 */

import type { Clock, Driver, Host, Later, Parker } from "../../libos/runtime/scheduler/driver.ts";

/** A clock that goes on by a step each time it is read: time passes only where somebody looks. */
export class FakeClock implements Clock {
  /** What it shows. */
  now = 0;
  /** How often it was read. */
  reads = 0;
  readonly #step: number;

  constructor(step = 0.01) {
    this.#step = step;
  }

  read(): number {
    this.reads++;
    return this.now += this.#step;
  }
}

/** A device that has so much to do as the test says. */
export class FakeDriver implements Driver {
  readonly fd: number;
  /** When it wants to be polled next. */
  due = Infinity;
  /** How often it was polled. */
  polls = 0;
  /** How often it was told that a sleep begins. */
  sleeps = 0;
  /** What the next poll does; it returns how much that was. */
  onPoll: (now: number, patient: boolean) => number = () => 0;

  constructor(fd = 7) {
    this.fd = fd;
  }

  poll(now: number, patient: boolean): number {
    this.polls++;
    return this.onPoll(now, patient);
  }

  deadline(): number {
    return this.due;
  }

  prepareToPark(): void {
    this.sleeps++;
  }
}

/** A sleep that ends when the test wakes it; to sleep, blocking, moves the clock. */
export class FakeParker implements Parker {
  readonly watched = new Set<number>();
  /** How long each blocking sleep for the devices, and for the host as well, may have been at most. */
  readonly blocks: number[] = [];
  readonly dozes: number[] = [];
  readonly seesHost: boolean = true;
  /** Whether the host has something to do. */
  ready = false;
  /** Called when a blocking sleep for devices and host begins; says when something happens there, in milliseconds. */
  onDoze: () => number | void = () => {};
  /** Sleeps that began. */
  sleeps = 0;
  /** Reactions that hang on the sleep under way. */
  reactions = 0;
  closed = false;
  readonly #clock: FakeClock;
  #sleep: Promise<void> | null = null;
  #end: () => void = () => {};

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  get parked(): boolean {
    return this.#sleep !== null;
  }

  watch(fd: number): void {
    this.watched.add(fd);
  }

  unwatch(fd: number): void {
    this.watched.delete(fd);
  }

  park(): Promise<void> {
    return this.#sleep ??= this.#begin();
  }

  wake(): void {
    if (this.#sleep === null) return;
    this.#sleep = null;
    this.#end();
  }

  block(timeout: number): void {
    this.blocks.push(timeout);
    this.#clock.now += timeout;
  }

  doze(timeout: number): void {
    this.dozes.push(timeout);
    this.#clock.now += Math.min(timeout, this.onDoze() ?? Infinity);
  }

  hostIsReady(): boolean {
    return this.ready;
  }

  harvest: (then: () => void) => void = (then) => then();

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #begin(): Promise<void> {
    this.sleeps++;
    this.reactions = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#end = resolve;
    const then = promise.then.bind(promise);
    // deno-lint-ignore no-explicit-any -- `then` as it is, counted
    promise.then = ((...reactions: any[]) => {
      this.reactions++;
      return then(...reactions);
    }) as typeof promise.then;
    return promise;
  }
}

/**
 * An event loop that runs only when the test says so. As Deno's, it takes steps whenever a function is over, has its
 * timers in each go, and looks at its reactor when nobody wants a go, and else in one of 61.
 */
export class FakeHost implements Host {
  /** How many goes it had. */
  goes = 0;
  /** What of its own it has to do in its next go: functions given to `setImmediate` by the application. */
  readonly immediates: (() => void)[] = [];
  /** What its reactor has for it. */
  readonly events: (() => void)[] = [];
  /** Whoever rang the bell in its reactor. */
  readonly bells: (() => void)[] = [];
  /** Functions that are due by time. */
  readonly #timers: { due: number; then: () => void }[] = [];
  readonly #clock: FakeClock;
  readonly #steps: (() => void)[] = [];
  #calls: (() => void)[] = [];

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  go(then: () => void): void {
    this.#calls.push(then);
  }

  step(then: () => void): void {
    this.#steps.push(then);
  }

  later(then: () => void, milliseconds: number): Later {
    const timer = { due: this.#clock.now + milliseconds, then };
    this.#timers.push(timer);
    return { cancel: () => void (timer.due = Infinity) };
  }

  pending(): "now" | "later" | "nothing" {
    if (this.immediates.length > 0) return "now";
    return this.#timers.some(({ due }) => due < Infinity) ? "later" : "nothing";
  }

  /** Has a go; says whether there was anything to call. */
  run(): boolean {
    this.goes++;
    const calls = this.#calls;
    this.#calls = [];
    const { length } = this.immediates;
    const due = this.#timers.filter((timer) => timer.due <= this.#clock.now);
    for (const timer of due) this.#timers.splice(this.#timers.indexOf(timer), 1);
    const looks = this.goes % 61 === 0 || calls.length + length === 0;
    const events = looks ? this.events.splice(0) : [];
    const bells = looks ? this.bells.splice(0) : [];
    for (const call of [...events, ...bells, ...due.map(({ then }) => then), ...calls]) {
      this.#call(call);
    }
    for (let i = 0; i < length; i++) this.#call(this.immediates.shift()!);
    return calls.length + bells.length > 0;
  }

  #call(call: () => void): void {
    call();
    for (let step; (step = this.#steps.shift()) !== undefined;) step();
  }
}
