/**
 * Where operations come from, and go to when they were consumed.
 *
 * @module
 */

import { Completed } from "./completed.ts";
import { Opcode, type OperationOwner, PooledOperation } from "./operation.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { TokenTable } from "./tokens.ts";
import type { HeapSga } from "../memory/sga.ts";
import type { Operation, Sga } from "../../pdpix.ts";

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
  readonly #popAgain = (sga: Sga) => this.#over(Opcode.POP, NOWHERE, sga);

  /** Makes an empty pool; in debug mode no operation is used twice, so that misuse always shows. */
  constructor(scheduler: Scheduler, tokens: TokenTable, debug: boolean) {
    this.scheduler = scheduler;
    this.tokens = tokens;
    this.#debug = debug;
    this.#completed = new Completed(
      undefined,
      () => this.#over<void>(Opcode.PUSH, NOWHERE, undefined),
    );
  }

  /** A push that is over at once. */
  completed(owner: OperationOwner): Operation<void> {
    return this.scheduler.spend()
      ? this.#completed
      : this.#over<void>(Opcode.PUSH, owner, undefined);
  }

  /**
   * A pop as it is or, if it is over already and no coroutine asks, as what costs little to await. Each sga
   * has that itself, once its handle was recycled: one that is not used again is not worth it.
   */
  popped(operation: PooledOperation<Sga | null>): Operation<Sga | null> {
    if (!operation.over || operation.failed || this.scheduler.current !== null) return operation;
    const sga = operation.value as HeapSga | null;
    if (sga === null || !sga.reused || !this.scheduler.spend()) return operation;
    operation.consume();
    return sga.popped ??= new Completed<Sga>(sga, this.#popAgain);
  }

  /** One that is over, as an object of its own. */
  #over<T>(opcode: number, owner: OperationOwner, value: T): PooledOperation<T> {
    const operation = this.take(opcode, owner);
    operation.complete(value);
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
