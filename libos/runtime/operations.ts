/**
 * The data calls of a libOS in TypeScript: arguments are checked, then the queue acts.
 *
 * @module
 */

import { checkTimeout, DemikernelError, inspect } from "../error.ts";
import type { PooledOperation } from "./operation/operation.ts";
import type { OperationPool, PushOperation } from "./operation/pool.ts";
import type { QueueTable } from "./queue/table.ts";
import { HeapSga } from "./memory/sga.ts";
import type {
  Operation,
  Operations,
  Outcome,
  QueueDescriptor,
  Sga,
  SocketAddress,
} from "../pdpix.ts";

/** See {@linkcode Operations}. The calls that start an operation give it raw, for a token. */
export class RuntimeOperations implements Operations {
  readonly #queues: QueueTable;
  readonly #pool: OperationPool;
  #closed = false;

  /** Makes the calls over a table of queues. */
  constructor(queues: QueueTable, pool: OperationPool) {
    this.#queues = queues;
    this.#pool = pool;
  }

  /** See {@linkcode Operations.accept}. */
  accept<U = QueueDescriptor>(
    qd: QueueDescriptor,
    outcome?: Outcome<QueueDescriptor, U>,
  ): Operation<U> {
    return this.#pool.give(this.startAccept(qd), outcome);
  }

  /** As {@linkcode RuntimeOperations.accept}. */
  startAccept(qd: QueueDescriptor): PooledOperation<QueueDescriptor> {
    return this.#queues.get(qd, "accept").accept();
  }

  /** See {@linkcode Operations.connect}. */
  connect<U = void>(
    qd: QueueDescriptor,
    address: SocketAddress,
    outcome?: Outcome<void, U>,
  ): Operation<U> {
    return this.#pool.give(this.startConnect(qd, address), outcome);
  }

  /** As {@linkcode RuntimeOperations.connect}. */
  startConnect(qd: QueueDescriptor, address: SocketAddress): PooledOperation<void> {
    return this.#queues.get(qd, "connect").connect(address);
  }

  /** See {@linkcode Operations.push}. */
  push(qd: QueueDescriptor, sga: Sga, outcome?: Outcome<void>): Operation<void> {
    return this.#pool.givePush(this.startPush(qd, sga), outcome);
  }

  /** As {@linkcode RuntimeOperations.push}. */
  startPush(qd: QueueDescriptor, sga: Sga): PushOperation {
    const queue = this.#queues.get(qd, "push");
    if (!(sga instanceof HeapSga)) throw notSga("push", qd);
    return queue.push(sga);
  }

  /** See {@linkcode Operations.pushTo}. */
  pushTo(
    qd: QueueDescriptor,
    sga: Sga,
    address: SocketAddress,
    outcome?: Outcome<void>,
  ): Operation<void> {
    return this.#pool.givePush(this.startPushTo(qd, sga, address), outcome);
  }

  /** As {@linkcode RuntimeOperations.startPush}. */
  startPushTo(
    qd: QueueDescriptor,
    sga: Sga,
    address: SocketAddress,
  ): PushOperation {
    const queue = this.#queues.get(qd, "pushTo");
    if (!(sga instanceof HeapSga)) throw notSga("pushTo", qd);
    return queue.pushTo(sga, address);
  }

  /** See {@linkcode Operations.pop}. */
  pop<U = Sga | null>(
    qd: QueueDescriptor,
    size = 0,
    outcome?: Outcome<Sga | null, U>,
  ): Operation<U> {
    const operation = this.startPop(qd, size);
    // The shortest way, for who needs it most.
    if (this.#pool.scheduler.current === null || operation.failed) {
      return this.#pool.givePop(operation, outcome);
    }
    if (outcome !== undefined) operation.outcome = outcome as Outcome<never, unknown>;
    return operation as unknown as PooledOperation<U>;
  }

  /** As {@linkcode RuntimeOperations.pop}. */
  startPop(qd: QueueDescriptor, size = 0): PooledOperation<Sga | null> {
    const queue = this.#queues.get(qd, "pop");
    if (!(Number.isSafeInteger(size) && size >= 0)) throw wrongSize(qd, size);
    return queue.pop(size);
  }

  /** See {@linkcode Operations.sleep}. */
  sleep(milliseconds: number): Operation<void> {
    checkTimeout(milliseconds);
    this.#checkOpen("sleep");
    return this.#pool.give(this.#pool.sleep(milliseconds), undefined);
  }

  /** See {@linkcode Operations.join}. */
  join<T, U = T>(promise: PromiseLike<T>, outcome?: Outcome<T, U>): Operation<U> {
    this.#checkOpen("join");
    return this.#pool.give(this.#pool.join(promise), outcome);
  }

  /** Ends what is on no queue with `ECANCELED`. */
  close(): void {
    this.#closed = true;
    this.#pool.close();
  }

  #checkOpen(operation: string): void {
    if (!this.#closed) return;
    throw new DemikernelError("ENODEV", operation, { detail: "the libOS was closed" });
  }
}

// The errors of the datapath are made in functions of their own, to keep its code small enough to inline.

function wrongSize(qd: number, size: number): DemikernelError {
  return new DemikernelError("EINVAL", "pop", {
    qd,
    detail: `a size must be an integer of 0 or more, not ${inspect(size)}`,
  });
}

/** The error of a push, or a free, of something that is no sga. */
export function notSga(operation: string, qd?: number): DemikernelError {
  return new DemikernelError("EINVAL", operation, {
    qd,
    detail: "it must be an sga that this libOS's alloc or pop gave",
  });
}
