/**
 * Operations that are on no queue: sleeping, and waiting for a promise.
 *
 * @module
 */

import { Errno } from "../../error.ts";
import { Timer, type TimerHeap } from "../scheduler/timers.ts";
import type { PooledOperation } from "./operation.ts";
import { Opcode, type OperationOwner } from "./owner.ts";
import type { OperationPool } from "./pool.ts";

/** The owner of one operation that is on no queue. */
export abstract class Loose implements OperationOwner {
  readonly qd = undefined;
  readonly referenced: boolean;
  pending = 0;
  begun = 0;
  woken = 0;
  wokenIn = 0;
  /** The operation. */
  readonly operation: PooledOperation;
  /** All that go on, and so this one. */
  readonly #all: Set<Loose>;

  /** Begins it, as one of `all` that go on. */
  constructor(opcode: number, pool: OperationPool, all: Set<Loose>, referenced: boolean) {
    this.referenced = referenced;
    this.#all = all;
    this.operation = pool.take(opcode, this);
    all.add(this);
    this.operation.suspend();
  }

  /** See {@linkcode OperationOwner.cancel}. */
  cancel(): void {
    this.#all.delete(this);
  }

  /** See {@linkcode OperationOwner.discard}. */
  discard(): void {}

  /** Completes it, unless it was cancelled: its object may be another operation by then. */
  protected complete(value: unknown): void {
    if (this.#all.delete(this)) this.operation.complete(value);
  }

  /** As {@linkcode Loose.complete}, when it failed. */
  protected fail(error: unknown): void {
    if (this.#all.delete(this)) this.operation.fail(Errno.EIO, error);
  }
}

/** Is over after so many milliseconds. */
export class Sleep extends Loose {
  readonly #timers: TimerHeap;
  readonly #timer = new Timer(() => this.complete(undefined));

  /** Begins it. */
  constructor(pool: OperationPool, all: Set<Loose>, milliseconds: number) {
    super(Opcode.SLEEP, pool, all, true);
    const { timers, clock } = pool.scheduler;
    this.#timers = timers;
    timers.arm(this.#timer, clock.read() + milliseconds);
  }

  /** See {@linkcode OperationOwner.cancel}. */
  override cancel(): void {
    super.cancel();
    this.#timers.disarm(this.#timer);
  }
}

/** Is over when a promise is settled. */
export class Join extends Loose {
  /** Begins it. What will settle the promise keeps the process alive by itself, or not. */
  constructor(pool: OperationPool, all: Set<Loose>, promise: PromiseLike<unknown>) {
    super(Opcode.JOIN, pool, all, false);
    const { scheduler } = pool;
    const over = () => scheduler.returned(this);
    // It may be settled soon, or already.
    scheduler.woke(this);
    Promise.resolve(promise).then(
      (value) => (over(), this.complete(value)),
      (error) => (over(), this.fail(error)),
    );
  }
}
