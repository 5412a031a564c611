/**
 * A libOS without a device: a pop is pending until the next poll and then gives a message, a push is over
 * at once. What an operation costs on it is what the runtime costs.
 *
 * @module
 */

import { Errno } from "../libos/error.ts";
import { RuntimeLibOS } from "../libos/runtime/libos.ts";
import type { PooledOperation } from "../libos/runtime/operation/operation.ts";
import { Opcode } from "../libos/runtime/operation/owner.ts";
import type { PushOperation } from "../libos/runtime/operation/pool.ts";
import { OperationList } from "../libos/runtime/operation/list.ts";
import { Queue, type QueueContext } from "../libos/runtime/queue/queue.ts";
import { Connection } from "../libos/net/connection.ts";
import { MonotonicClock } from "../libos/runtime/scheduler/epoll_parker.ts";
import { Scheduler } from "../libos/runtime/scheduler/scheduler.ts";
import type { HeapSga } from "../libos/runtime/memory/sga.ts";
import type { Capabilities, Sga } from "../mod.ts";

/** The size of the messages, in bytes. */
const MESSAGE = 64;

class NullQueue extends Queue {
  protected override readonly kind = "null queue";
  readonly #pops = new OperationList();
  readonly #closed: (queue: NullQueue) => void;

  constructor(context: QueueContext, closed: (queue: NullQueue) => void) {
    super(context);
    this.#closed = closed;
  }

  override push(sga: HeapSga): PushOperation {
    sga.checkOwned(this.context.heap, "push", this.qd);
    sga.move();
    sga.finish();
    return this.context.operations.completed(this);
  }

  override pop(): PooledOperation<Sga | null> {
    const operation = this.start(Opcode.POP);
    this.#pops.push(operation);
    operation.suspend();
    return operation;
  }

  override cancel(operation: PooledOperation): void {
    this.#pops.replace(operation, null);
  }

  override close(): void {
    while (this.#pops.head !== null) this.#pops.shift().fail(Errno.ECANCELED);
    this.#closed(this);
  }

  deliver(): number {
    if (this.#pops.head === null) return 0;
    const { heap } = this.context;
    this.#pops.shift().complete(heap.wrap(heap.take(MESSAGE), MESSAGE));
    return 1;
  }
}

class NullLibOS extends RuntimeLibOS {
  override readonly name = "null";
  override readonly fd = -1;
  override readonly capabilities: Capabilities = {
    domains: ["inet"],
    types: ["stream"],
    options: [],
    halfClose: false,
    storage: false,
    pipes: false,
    closesAtOnce: true,
    parks: false,
    blocks: true,
  };
  readonly #queues: NullQueue[] = [];

  /** Makes one that a scheduler polls. */
  constructor(scheduler: Scheduler) {
    super({ scheduler });
    scheduler.attach(this);
  }

  /** See {@linkcode Driver.poll}. */
  override poll(): number {
    let work = 0;
    for (let i = 0; i < this.#queues.length; i++) work += this.#queues[i]!.deliver();
    return work;
  }

  /** See {@linkcode Driver.deadline}. */
  override deadline(): number {
    return Infinity;
  }

  /** See {@linkcode Driver.prepareToPark}. */
  override prepareToPark(): void {}

  protected override createSocket(): Queue {
    const queue = new NullQueue(
      this.context,
      (closed) => void this.#queues.splice(this.#queues.indexOf(closed), 1),
    );
    this.#queues.push(queue);
    return queue;
  }

  protected override closeDevice(): void {}
}

/** One, on the clock that servers have. */
export const libos: NullLibOS = new NullLibOS(
  new Scheduler({ idle: "spin", clock: new MonotonicClock() }),
);

/** Connections that are served at once, so that a turn's own cost is shared as on a busy server. */
export const CONNECTIONS = 64;

/** Gives each of {@linkcode CONNECTIONS} connections to a handler; `meanwhile` goes on beside them. */
export async function serveAll(
  handler: (connection: Connection) => Promise<void>,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const connections = Array.from(
    { length: CONNECTIONS },
    () => new Connection(libos, libos.socket("inet", "stream")),
  );
  const handled = Promise.all(connections.map(handler));
  await meanwhile?.();
  await handled;
  for (const connection of connections) connection[Symbol.dispose]();
}
