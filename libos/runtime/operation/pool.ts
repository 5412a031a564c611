/**
 * Where operations come from, and go to when they were consumed.
 *
 * @module
 */

import { Completed } from "./completed.ts";
import { Join, type Loose, Sleep } from "./loose.ts";
import { PooledOperation } from "./operation.ts";
import { Opcode, type OperationOwner } from "./owner.ts";
import { watchRejections } from "./promise.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { TokenTable } from "./tokens.ts";
import type { HeapSga } from "../memory/sga.ts";
import type { Operation, Outcome, Sga } from "../../pdpix.ts";

/** A push that began: as {@linkcode OperationPool.pushed} if it is over, and went well. */
export type PushOperation = Completed<void> | PooledOperation<void>;

/** The free operations of one libOS, and what all of them share. */
export class OperationPool {
  /** Runs the coroutines that wait. */
  readonly scheduler: Scheduler;
  /** Knows those that have a token. */
  readonly tokens: TokenTable;
  /** Those that failed while nobody waited for them, and somebody still may. */
  readonly unclaimed: Set<PooledOperation> = new Set();
  /** A push that was over when it was made, and went well. */
  readonly pushed: Completed<void> = new Completed<void>(undefined);
  readonly #debug: boolean;
  readonly #free: PooledOperation[] = [];
  /** What is on no queue, and goes on. */
  readonly #loose = new Set<Loose>();

  /** Makes an empty pool; in debug mode no operation is used twice, so that misuse always shows. */
  constructor(scheduler: Scheduler, tokens: TokenTable, debug: boolean) {
    this.scheduler = scheduler;
    this.tokens = tokens;
    this.#debug = debug;
    watchRejections();
  }

  /** Takes a free operation and begins it. */
  take(opcode: number, owner: OperationOwner): PooledOperation {
    const operation = this.#free.pop() ?? new PooledOperation(this);
    owner.begun = next(owner.begun);
    operation.begin(opcode, owner);
    return operation;
  }

  /** Takes back one that was consumed. */
  put(operation: PooledOperation): void {
    if (!this.#debug) this.#free.push(operation);
  }

  /** A push that is over at once. */
  completed(owner: OperationOwner): PushOperation {
    if (this.scheduler.spend()) {
      owner.begun = next(owner.begun);
      return this.pushed;
    }
    const operation = this.take(Opcode.PUSH, owner);
    operation.complete(undefined);
    return operation;
  }

  /** Begins to sleep. */
  sleep(milliseconds: number): PooledOperation<void> {
    return new Sleep(this, this.#loose, milliseconds).operation;
  }

  /** Begins to wait for a promise. */
  join<T>(promise: PromiseLike<T>): PooledOperation<T> {
    return new Join(this, this.#loose, promise).operation;
  }

  /**
   * Gives an operation to whoever asked for it: to a coroutine as it is, where it costs least, to everybody else as
   * a promise.
   */
  give<T, U>(
    operation: PooledOperation<T>,
    outcome: Outcome<T, U> | undefined,
  ): Operation<U> {
    const given = operation as unknown as PooledOperation<U>;
    if (outcome !== undefined) operation.outcome = outcome as Outcome<never, unknown>;
    if (operation.failed) this.#failed(operation);
    return this.scheduler.current === null ? given.promise() : given;
  }

  /** As {@linkcode OperationPool.give} for a push. */
  givePush(operation: PushOperation, outcome: Outcome<void> | undefined): Operation<void> {
    if (operation === this.pushed) return operation;
    return this.give(operation as PooledOperation<void>, outcome);
  }

  /**
   * As {@linkcode OperationPool.give} for a pop. One that found something is a promise that was resolved long ago, which
   * each sga has itself once its handle was recycled: one that is not used again is not worth it.
   */
  givePop<U>(
    operation: PooledOperation<Sga | null>,
    outcome: Outcome<Sga | null, U> | undefined,
  ): Operation<U> {
    if (this.scheduler.current !== null || !operation.over || operation.failed) {
      return this.give(operation, outcome);
    }
    const sga = operation.value as HeapSga | null;
    if (sga === null || !sga.reused || outcome?.result || !this.scheduler.spend()) {
      return this.give(operation, outcome);
    }
    operation.consume();
    return (sga.popped ??= new Completed<Sga>(sga)) as unknown as Operation<U>;
  }

  /** It failed, and nobody waits for it yet: who may still do so has until its queue is closed, or the next turn. */
  leaveUnclaimed(operation: PooledOperation): void {
    this.unclaimed.add(operation);
    if (operation.owner!.qd !== undefined) return;
    const report = () => {
      if (this.unclaimed.has(operation)) operation.promise();
    };
    this.scheduler.makeReady({ next: null, step: report });
  }

  /** The operations of an owner are over: those that failed, and that nobody waited for, are told of. */
  reportUnclaimed(owner: OperationOwner): void {
    if (this.unclaimed.size === 0) return;
    for (const operation of this.unclaimed) {
      // As what it is: a rejection that nobody handles.
      if (operation.owner === owner) operation.promise();
    }
  }

  /** Ends what is on no queue with `ECANCELED`. */
  close(): void {
    for (const one of this.#loose) one.operation.cancel();
    for (const operation of this.unclaimed) operation.promise();
  }

  /** It failed before it was given to anybody. */
  #failed(operation: PooledOperation): void {
    if (operation.missed && this.scheduler.current !== null) this.leaveUnclaimed(operation);
    operation.outcome?.lost?.();
  }
}

/** Counts up, and begins again before V8 would need more than a small integer. */
function next(count: number): number {
  return (count + 1) & 0x3fffffff;
}
