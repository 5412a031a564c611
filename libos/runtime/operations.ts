/**
 * The data calls of a libOS in TypeScript: arguments are checked, then the queue acts.
 *
 * @module
 */

import { checkTimeout, DemikernelError, Errno } from "../error.ts";
import { Opcode, type OperationOwner, type PooledOperation } from "./operation/operation.ts";
import type { OperationPool } from "./operation/pool.ts";
import type { QueueTable } from "./queue/table.ts";
import { HeapSga } from "./memory/sga.ts";
import { Timer, type TimerHeap } from "./scheduler/timers.ts";
import type { Operation, Operations, QueueDescriptor, Sga, SocketAddress } from "../pdpix.ts";

/** See {@linkcode Operations}. */
export class RuntimeOperations implements Operations {
  readonly #queues: QueueTable;
  readonly #pool: OperationPool;
  /** What is on no queue, and goes on. */
  readonly #loose = new Set<Loose>();
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
  pop(qd: QueueDescriptor, size = 0): Operation<Sga | null> {
    return this.#pool.popped(this.startPop(qd, size));
  }

  /** As {@linkcode RuntimeOperations.pop}, for a token. */
  startPop(qd: QueueDescriptor, size = 0): PooledOperation<Sga | null> {
    const queue = this.#queues.get(qd, "pop");
    if (!(Number.isSafeInteger(size) && size >= 0)) throw wrongSize(qd, size);
    return queue.pop(size);
  }

  /** See {@linkcode Operations.sleep}. */
  sleep(milliseconds: number): Operation<void> {
    checkTimeout(milliseconds);
    this.#checkOpen("sleep");
    return new Sleep(this.#pool, this.#loose, milliseconds).operation;
  }

  /** See {@linkcode Operations.join}. */
  join<T>(promise: PromiseLike<T>): Operation<T> {
    this.#checkOpen("join");
    return new Join(this.#pool, this.#loose, promise).operation;
  }

  /** Ends what is on no queue with `ECANCELED`. */
  close(): void {
    this.#closed = true;
    for (const one of this.#loose) one.operation.cancel();
  }

  #checkOpen(operation: string): void {
    if (!this.#closed) return;
    throw new DemikernelError("ENODEV", operation, { detail: "the libOS was closed" });
  }
}

/** The owner of one operation that is on no queue. */
abstract class Loose implements OperationOwner {
  readonly qd = undefined;
  readonly referenced = true;
  pending = 0;
  readonly operation: PooledOperation;
  /** All that go on, and so this one. */
  readonly #all: Set<Loose>;

  constructor(opcode: number, pool: OperationPool, all: Set<Loose>) {
    this.#all = all;
    this.operation = pool.take(opcode, this);
    all.add(this);
    this.operation.suspend();
  }

  cancel(): void {
    this.#all.delete(this);
  }

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

class Sleep extends Loose {
  readonly #timers: TimerHeap;
  readonly #timer = new Timer(() => this.complete(undefined));

  constructor(pool: OperationPool, all: Set<Loose>, milliseconds: number) {
    super(Opcode.SLEEP, pool, all);
    const { timers, clock } = pool.scheduler;
    this.#timers = timers;
    timers.arm(this.#timer, clock.read() + milliseconds);
  }

  override cancel(): void {
    super.cancel();
    this.#timers.disarm(this.#timer);
  }
}

class Join extends Loose {
  constructor(pool: OperationPool, all: Set<Loose>, promise: PromiseLike<unknown>) {
    super(Opcode.JOIN, pool, all);
    Promise.resolve(promise).then((value) => this.complete(value), (error) => this.fail(error));
    // It may be settled already.
    pool.scheduler.expectMicrotasks();
  }
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
