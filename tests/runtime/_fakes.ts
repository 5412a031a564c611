/**
 * A clock, a device and a sleep that are under the test's control.
 *
 * @module
 */

import type { Clock, Driver, Parker } from "../../libos/runtime/scheduler/driver.ts";

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
  onPoll: (patient: boolean) => number = () => 0;

  constructor(fd = 7) {
    this.fd = fd;
  }

  poll(patient: boolean): number {
    this.polls++;
    return this.onPoll(patient);
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
  /** How long each blocking sleep may have been at most. */
  readonly blocks: number[] = [];
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

  close(): void {
    this.closed = true;
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
