/**
 * Bounds on how long an operation may take.
 *
 * @module
 */

import { checkTimeout, Errno } from "../../error.ts";
import type { PooledOperation } from "./operation.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { Timer } from "../scheduler/timers.ts";
import type { OperationOptions } from "../../pdpix.ts";

/** Deadline and signal of one operation. */
export class Limits {
  readonly #operation: PooledOperation;
  readonly #timer: Timer | null = null;
  readonly #signal: AbortSignal | undefined;
  readonly #scheduler: Scheduler;
  /** Those that were set before. */
  readonly #others: Limits | null;
  /** Whether its timer keeps the process alive, since the operation itself does not: it waits for a promise. */
  readonly #isReference: boolean;

  constructor(
    operation: PooledOperation,
    scheduler: Scheduler,
    options: OperationOptions,
    others: Limits | null,
  ) {
    this.#operation = operation;
    this.#scheduler = scheduler;
    this.#others = others;
    const { timeout, signal } = options;
    if (timeout !== undefined) {
      this.#timer = new Timer(() => operation.abandon(Errno.ETIMEDOUT));
      scheduler.timers.arm(this.#timer, scheduler.clock.read() + checkTimeout(timeout));
    }
    this.#isReference = timeout !== undefined && !operation.owner!.referenced &&
      operation.owner!.qd === undefined;
    if (this.#isReference) scheduler.retain(true);
    this.#signal = signal;
    signal?.addEventListener("abort", this);
  }

  handleEvent(): void {
    this.#operation.abandon(Errno.ECANCELED, this.#signal!.reason);
  }

  release(): void {
    if (this.#isReference) this.#scheduler.release(true);
    if (this.#timer !== null) this.#scheduler.timers.disarm(this.#timer);
    this.#signal?.removeEventListener("abort", this);
    this.#others?.release();
  }
}
