/**
 * The in-memory queue of PDPIX, `queue()`, that every libOS has: what is pushed is popped, whole, in order
 * and without a copy. It is a channel between coroutines.
 *
 * @module
 */

import { Errno } from "../../error.ts";
import type { PooledOperation } from "../operation/operation.ts";
import { Opcode } from "../operation/owner.ts";
import type { PushOperation } from "../operation/pool.ts";
import { OperationList } from "../operation/list.ts";
import { Queue } from "./queue.ts";
import type { HeapSga } from "../memory/sga.ts";
import type { Sga } from "../../pdpix.ts";

/** How many pushed elements wait for a pop; a push beyond that is pending until there is room. */
const CAPACITY = 256;

/** See the module's description. */
export class MemoryQueue extends Queue {
  protected override readonly kind = "memory queue";
  readonly #elements: (HeapSga | null)[] = new Array(CAPACITY).fill(null);
  #head = 0;
  #count = 0;
  readonly #pops = new OperationList();

  /** Hands the sga to the oldest pop, or keeps it for the next one. */
  override push(sga: HeapSga): PushOperation {
    sga.checkOwned(this.context.heap, "push", this.qd);
    sga.move();
    if (this.#pops.head !== null) {
      this.#pops.shift().complete(sga.handOver());
      return this.context.operations.completed(this);
    }
    if (this.#count < CAPACITY) {
      this.#enqueue(sga.handOver());
      return this.context.operations.completed(this);
    }
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    this.pushes.push(operation);
    operation.suspend();
    return operation;
  }

  /** Takes the oldest element. The size is not looked at: elements are whole. */
  override pop(_size: number): PooledOperation<Sga | null> {
    const operation = this.start(Opcode.POP);
    if (this.#count > 0) {
      operation.complete(this.#dequeue());
    } else {
      this.#pops.push(operation);
      operation.suspend();
    }
    return operation;
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    this.#pops.replace(operation, null) || this.pushes.replace(operation, null);
  }

  /** See {@linkcode Queue.close}. Elements that nobody popped are freed. */
  override close(): void {
    while (this.#pops.head !== null) this.#pops.shift().fail(Errno.ECANCELED);
    while (this.pushes.head !== null) this.pushes.shift().fail(Errno.ECANCELED);
    while (this.#count > 0) this.#dequeue().free();
  }

  #enqueue(sga: HeapSga): void {
    this.#elements[(this.#head + this.#count++) & (CAPACITY - 1)] = sga;
  }

  #dequeue(): HeapSga {
    const sga = this.#elements[this.#head]!;
    this.#elements[this.#head] = null;
    this.#head = (this.#head + 1) & (CAPACITY - 1);
    this.#count--;
    if (this.pushes.head !== null) {
      const push = this.pushes.shift();
      this.#enqueue(push.sga!.handOver());
      push.sga = null;
      push.complete(undefined);
    }
    return sga;
  }
}
