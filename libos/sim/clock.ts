/**
 * Time that passes when somebody says so.
 *
 * @module
 */

import type { Clock, Host, Later, Parker } from "../runtime/scheduler/driver.ts";
import { setImmediate } from "node:timers";

/** See the module's description. Milliseconds since the beginning of the network. */
export class VirtualClock implements Clock {
  #now = 0;

  /** See {@linkcode Clock.read}. */
  read(): number {
    return this.#now;
  }

  /** It is that late now; time does not go back. */
  advance(now: number): void {
    if (now > this.#now) this.#now = now;
  }
}

const NEVER: Later = { cancel() {} };

/** Deno's event loop, whose timers are of another time: it is only asked for goes. */
export const virtualHost: Host = {
  go: (then) => void setImmediate(then),
  step: (then) => queueMicrotask(then),
  later: () => NEVER,
  pending: () => "nothing",
};

/** What a {@linkcode VirtualParker} asks of its network. */
export interface Future {
  /** How many turns were taken: it grows as long as the loop runs. */
  readonly turns: number;
  /** When something happens next; Infinity if nothing ever will. */
  next(): number;
  /** Time is about to jump; says whether it may. */
  mayJump(to: number): boolean;
  /** Nobody can go on, and nothing will happen any more; throws if the thread is blocked by who waits. */
  deadlock(blocked: boolean): void;
}

/** How many goes of Deno's event loop without a turn tell that nobody goes on, in a deadlock. */
const PATIENCE = 4;

/**
 * Sleeping in virtual time: whoever would sleep lets the clock jump to what happens next. This is what makes an hour of
 * retransmissions take milliseconds. Async functions have a go of Deno's event loop before, so that no time passes while
 * one of them can go on.
 */
export class VirtualParker implements Parker {
  /** See {@linkcode Parker.seesHost}. */
  readonly seesHost = true;
  readonly #clock: VirtualClock;
  readonly #future: Future;
  #sleep: Promise<void> | null = null;
  #wake: () => void = () => {};

  /** Makes what moves a clock. */
  constructor(clock: VirtualClock, future: Future) {
    this.#clock = clock;
    this.#future = future;
  }

  /** See {@linkcode Parker.watch}. */
  watch(): void {}

  /** See {@linkcode Parker.unwatch}. */
  unwatch(): void {}

  /** See {@linkcode Parker.parked}. */
  get parked(): boolean {
    return this.#sleep !== null;
  }

  /** See {@linkcode Parker.park}. */
  park(): Promise<void> {
    if (this.#sleep !== null) return this.#sleep;
    this.#sleep = new Promise((resolve) => this.#wake = resolve);
    this.#look(PATIENCE);
    return this.#sleep;
  }

  /** See {@linkcode Parker.wake}. */
  wake(): void {
    if (this.#sleep === null) return;
    this.#sleep = null;
    this.#wake();
  }

  /** See {@linkcode Parker.hostIsReady}: nothing of the host's belongs to the network. */
  hostIsReady(): boolean {
    return false;
  }

  /** See {@linkcode Parker.harvest}: there is nothing to take up. */
  harvest(then: () => void): void {
    then();
  }

  /** See {@linkcode Parker.doze}: nothing happens until then, whatever is the most. */
  doze(timeout: number): void {
    const next = this.#future.next();
    // Perhaps somebody needs a few more goes of the host: in the end the loop parks.
    if (next === Infinity) this.#clock.advance(this.#clock.read() + timeout);
    else if (this.#future.mayJump(next)) this.#clock.advance(next);
    else this.#clock.advance(this.#clock.read() + timeout);
  }

  /** See {@linkcode Parker.block}. */
  block(timeout: number): void {
    const until = Math.min(this.#clock.read() + timeout, this.#future.next());
    if (until === Infinity) this.#future.deadlock(true);
    else if (this.#future.mayJump(until)) this.#clock.advance(until);
  }

  /** See {@linkcode Parker.close}. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #look(patience: number): void {
    const { turns } = this.#future;
    setImmediate(() => {
      if (this.#sleep === null) return;
      // Somebody went on after all.
      if (this.#future.turns !== turns) return this.#look(PATIENCE);
      const next = this.#future.next();
      if (next === Infinity && patience > 0) return this.#look(patience - 1);
      if (next === Infinity) {
        this.#forget();
        this.#future.deadlock(false);
      } else if (this.#future.mayJump(next)) {
        this.#clock.advance(next);
        this.wake();
      } else {
        this.#forget();
      }
    });
  }

  /** This sleep has no end: the next one is another one. */
  #forget(): void {
    this.#sleep = null;
  }
}
