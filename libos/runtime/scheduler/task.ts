/**
 * What a scheduler runs: coroutines, and whatever else is to have its turn.
 *
 * @module
 */

import { DemikernelError } from "../../error.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Suspension } from "../../pdpix.ts";

/** What a scheduler runs in a turn; it is ready once at a time. */
export interface Runnable {
  /** The next one that is ready. */
  next: Runnable | null;
  /** Runs it until it waits again, or ends. */
  step(scheduler: Scheduler): void;
}

/** A coroutine that runs under a scheduler. */
export class Task implements Runnable {
  next: Runnable | null = null;
  /** Set by the operation that it waits for. */
  waiting = false;
  readonly #generator: Generator<Suspension, unknown, unknown>;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  /** Wraps a generator; one of the two functions is called when it is over. */
  constructor(
    generator: Generator<Suspension, unknown, unknown>,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#generator = generator;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** See {@linkcode Runnable.step}. */
  step(scheduler: Scheduler): void {
    this.waiting = false;
    scheduler.current = this;
    try {
      const result = this.#generator.next();
      if (result.done) {
        this.#resolve(result.value);
        scheduler.wokeStranger();
      } else if (!this.waiting) {
        this.#end();
      }
    } catch (error) {
      this.#reject(error);
      scheduler.wokeStranger();
    }
    scheduler.current = null;
  }

  /** It yielded what nobody will ever wake it for. */
  #end(): void {
    this.#reject(
      new DemikernelError("EINVAL", "run coroutine", {
        detail: "it yielded something else than an operation; wait with yield*, not with yield",
      }),
    );
    this.#generator.return(undefined);
  }
}
