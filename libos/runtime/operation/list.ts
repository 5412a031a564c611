/**
 * Lists of operations that wait.
 *
 * @module
 */

import type { PooledOperation } from "./operation.ts";

/** The pending operations of one kind on one queue, first in first out. */
export class OperationList {
  /** The oldest. */
  head: PooledOperation | null = null;
  #tail: PooledOperation | null = null;

  /** Bytes that the pushes in it have still to send. */
  get bytes(): number {
    let bytes = 0;
    for (let one = this.head; one !== null; one = one.link) {
      bytes += one.sga!.totalLength - one.size;
    }
    return bytes;
  }

  /** Adds one at the end. */
  push(operation: PooledOperation): void {
    if (this.#tail === null) this.head = operation;
    else this.#tail.link = operation;
    this.#tail = operation;
  }

  /** Removes the oldest. The list must not be empty. */
  shift(): PooledOperation {
    const operation = this.head!;
    this.head = operation.link;
    if (this.head === null) this.#tail = null;
    operation.link = null;
    return operation;
  }

  /** Puts `replacement`, if any, in the place of one that is in the list; says whether it was. */
  replace(operation: PooledOperation, replacement: PooledOperation | null): boolean {
    let before: PooledOperation | null = null;
    let one = this.head;
    while (one !== null && one !== operation) {
      before = one;
      one = one.link;
    }
    if (one === null) return false;
    const after = replacement ?? operation.link;
    if (replacement !== null) replacement.link = operation.link;
    if (before === null) this.head = after;
    else before.link = after;
    if (this.#tail === operation) this.#tail = replacement ?? before;
    operation.link = null;
    return true;
  }
}
