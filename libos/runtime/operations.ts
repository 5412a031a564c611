/**
 * The data calls of a libOS in TypeScript: arguments are checked, then the queue acts.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import {
  checkTimeout,
  Opcode,
  type OperationOwner,
  type OperationPool,
  type PooledOperation,
} from "./operation.ts";
import type { QueueTable } from "./queue_table.ts";
import { HeapSga } from "./sga.ts";
import { Timer } from "./timers.ts";
import type { Operation, Operations, QueueDescriptor, Sga, SocketAddress } from "../pdpix.ts";

/** See {@linkcode Operations}. The results are {@linkcode PooledOperation}s. */
export class RuntimeOperations implements Operations {
  readonly #queues: QueueTable;
  readonly #pool: OperationPool;
  readonly #sleeps = new Set<Sleep>();
  #closed = false;

  /** Makes the calls over a table of queues. */
  constructor(queues: QueueTable, pool: OperationPool) {
    this.#queues = queues;
    this.#pool = pool;
  }

  /** See {@linkcode Operations.accept}. */
  accept(qd: QueueDescriptor): PooledOperation<QueueDescriptor> {
    return this.#queues.get(qd, "accept").accept();
  }

  /** See {@linkcode Operations.connect}. */
  connect(qd: QueueDescriptor, address: SocketAddress): PooledOperation<void> {
    return this.#queues.get(qd, "connect").connect(address);
  }

  /** See {@linkcode Operations.push}. */
  push(qd: QueueDescriptor, sga: Sga): Operation<void> {
    const queue = this.#queues.get(qd, "push");
    if (!(sga instanceof HeapSga)) throw notSga("push", qd);
    return queue.push(sga);
  }

  /** See {@linkcode Operations.pushTo}. */
  pushTo(qd: QueueDescriptor, sga: Sga, address: SocketAddress): Operation<void> {
    const queue = this.#queues.get(qd, "pushTo");
    if (!(sga instanceof HeapSga)) throw notSga("pushTo", qd);
    return queue.pushTo(sga, address);
  }

  /** See {@linkcode Operations.pop}. */
  pop(qd: QueueDescriptor, size = 0): PooledOperation<Sga | null> {
    const queue = this.#queues.get(qd, "pop");
    if (!(Number.isSafeInteger(size) && size >= 0)) throw wrongSize(qd, size);
    return queue.pop(size);
  }

  /** See {@linkcode Operations.sleep}. */
  sleep(milliseconds: number): Operation<void> {
    if (this.#closed) {
      throw new DemikernelError("ENODEV", "sleep", { detail: "the libOS was closed" });
    }
    return new Sleep(this.#pool, this.#sleeps).begin(checkTimeout(milliseconds));
  }

  /** Ends what is on no queue with `ECANCELED`. */
  close(): void {
    this.#closed = true;
    for (const sleep of this.#sleeps) sleep.end();
  }
}

/** The owner of one sleep: a timer. */
class Sleep implements OperationOwner {
  readonly qd = undefined;
  readonly referenced = true;
  pending = 0;
  readonly #pool: OperationPool;
  readonly #operation: PooledOperation<void>;
  readonly #timer: Timer;
  /** All that go on, and so this one. */
  readonly #sleeps: Set<Sleep>;

  constructor(pool: OperationPool, sleeps: Set<Sleep>) {
    this.#pool = pool;
    this.#sleeps = sleeps;
    this.#operation = pool.take(Opcode.SLEEP, this);
    this.#timer = new Timer(() => {
      this.#sleeps.delete(this);
      this.#operation.complete(undefined);
    });
  }

  begin(milliseconds: number): PooledOperation<void> {
    const { timers, clock } = this.#pool.scheduler;
    timers.arm(this.#timer, clock.read() + milliseconds);
    this.#sleeps.add(this);
    this.#operation.suspend();
    return this.#operation;
  }

  end(): void {
    this.#operation.cancel();
  }

  cancel(): void {
    this.#sleeps.delete(this);
    this.#pool.scheduler.timers.disarm(this.#timer);
  }

  discard(): void {}
}

// The errors of the datapath are made in functions of their own, to keep its code small enough to inline.

function wrongSize(qd: number, size: number): DemikernelError {
  return new DemikernelError("EINVAL", "pop", {
    qd,
    detail: `a size must be an integer of 0 or more, not ${Deno.inspect(size)}`,
  });
}

/** The error of a push, or a free, of something that is no sga. */
export function notSga(operation: string, qd?: number): DemikernelError {
  return new DemikernelError("EINVAL", operation, {
    qd,
    detail: "it must be an sga that this libOS's alloc or pop gave",
  });
}
