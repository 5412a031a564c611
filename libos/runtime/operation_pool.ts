/**
 * Where operations come from, and go to when they were consumed.
 *
 * @module
 */

import { makeCompleted } from "./completed.ts";
import { Opcode, type OperationOwner, PooledOperation } from "./operation.ts";
import type { Scheduler } from "./scheduler.ts";
import type { TokenTable } from "./tokens.ts";
import type { Operation } from "../pdpix.ts";

/** The owner of what is over, and never failed. */
const NOWHERE: OperationOwner = {
  qd: undefined,
  referenced: true,
  pending: 0,
  cancel() {},
  discard() {},
};

/** The free operations of one libOS, and what all of them share. */
export class OperationPool {
  /** Runs the coroutines that wait. */
  readonly scheduler: Scheduler;
  /** Knows those that have a token. */
  readonly tokens: TokenTable;
  readonly #debug: boolean;
  readonly #free: PooledOperation[] = [];
  readonly #completed: Operation<void>;

  /** Makes an empty pool; in debug mode no operation is used twice, so that misuse always shows. */
  constructor(scheduler: Scheduler, tokens: TokenTable, debug: boolean) {
    this.scheduler = scheduler;
    this.tokens = tokens;
    this.#debug = debug;
    this.#completed = makeCompleted((result) => this.#over(NOWHERE).convert(result, null));
  }

  /** A push that is over at once. */
  completed(owner: OperationOwner): Operation<void> {
    return this.scheduler.spend() ? this.#completed : this.#over(owner);
  }

  /** As {@linkcode OperationPool.completed}, as an object of its own. */
  #over(owner: OperationOwner): PooledOperation<void> {
    const operation = this.take(Opcode.PUSH, owner);
    operation.complete(undefined);
    return operation;
  }

  /** Takes a free operation and begins it. */
  take(opcode: number, owner: OperationOwner): PooledOperation {
    const operation = this.#free.pop() ?? new PooledOperation(this);
    operation.begin(opcode, owner);
    return operation;
  }

  /** Takes back one that was consumed. */
  put(operation: PooledOperation): void {
    if (!this.#debug) this.#free.push(operation);
  }
}
