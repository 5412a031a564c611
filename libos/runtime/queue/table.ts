/**
 * The queue descriptors of one libOS.
 *
 * @module
 */

import { DemikernelError } from "../../error.ts";
import type { Queue } from "./queue.ts";
import type { QueueDescriptor } from "../../pdpix.ts";

function notOpen(qd: number, operation: string): DemikernelError {
  return new DemikernelError("EBADF", operation, { qd });
}

/** Which queue a descriptor names. Descriptors of closed queues are used again. */
export class QueueTable {
  /** Descriptor 0 is never given out, so that a descriptor is always truthy. */
  readonly #queues: (Queue | null)[] = [null];
  readonly #free: number[] = [];

  /** How many queues are open. */
  get size(): number {
    return this.#queues.length - 1 - this.#free.length;
  }

  /** Gives a queue a descriptor. */
  register(queue: Queue): QueueDescriptor {
    const qd = this.#free.pop() ?? this.#queues.length;
    this.#queues[qd] = queue;
    queue.qd = qd;
    return qd;
  }

  /** The queue of a descriptor. Throws {@linkcode DemikernelError} `EBADF` for one that is not open. */
  get(qd: QueueDescriptor, operation: string): Queue {
    // An array knows more names than numbers.
    const queue = typeof qd === "number" ? this.#queues[qd] : null;
    if (queue) return queue;
    throw notOpen(qd, operation);
  }

  /** Takes the descriptor of a queue back. */
  remove(queue: Queue): void {
    this.#queues[queue.qd] = null;
    this.#free.push(queue.qd);
  }

  /** The queues that are open. */
  *[Symbol.iterator](): Iterator<Queue> {
    for (const queue of this.#queues) if (queue !== null) yield queue;
  }
}
