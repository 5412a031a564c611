/**
 * What the queues over Deno's sockets share: what is under way there.
 *
 * @module
 */

import type { QueueContext } from "../runtime/queue/queue.ts";
import type { Scheduler } from "../runtime/scheduler/scheduler.ts";

/** What the queues over Deno's sockets share. */
export interface DenoContext extends QueueContext {
  /** See {@linkcode Device}. */
  readonly device: Device;
}

/** Counts the calls of Deno's that are under way: a libOS is closed when the last of them is over. */
export class Device {
  /** Told of what comes. */
  readonly scheduler: Scheduler;
  #count = 0;
  #over: (() => void) | null = null;

  /** Makes a device where nothing is under way. */
  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** A call begins. */
  begin(): void {
    this.#count++;
  }

  /** It is over. */
  end(): void {
    if (--this.#count === 0) this.#over?.();
  }

  /** Resolves when nothing is under way. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#over = resolve;
      if (this.#count === 0) resolve();
    });
  }
}

/** One of the calls that a queue makes, again and again, one at a time. Its functions are made once. */
export class Call<T> {
  /** Whether it is under way. */
  isUnderWay = false;
  readonly #device: Device;
  readonly #succeeded: (came: T) => void;
  readonly #failed: (error: unknown) => void;

  /** Makes a call; how each ends is told to one of the two functions. */
  constructor(device: Device, succeeded: (came: T) => void, failed: (error: unknown) => void) {
    this.#device = device;
    this.#succeeded = succeeded;
    this.#failed = failed;
  }

  /** It began. */
  begin(promise: Promise<T>): void {
    this.isUnderWay = true;
    this.#device.begin();
    promise.then(this.#onSuccess, this.#onFailure);
  }

  readonly #onSuccess = (came: T): void => {
    this.#end();
    this.#device.scheduler.arrive(this.#succeeded, came);
  };

  readonly #onFailure = (error: unknown): void => {
    this.#end();
    this.#device.scheduler.arrive(this.#failed, error);
  };

  #end(): void {
    this.isUnderWay = false;
    this.#device.end();
  }
}
