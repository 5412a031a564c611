/**
 * The pushes of a stream that the stack has not taken whole yet: its send buffer is full.
 *
 * @module
 */

import { Errno } from "../../error.ts";
import type { OperationList } from "../../runtime/operation/list.ts";
import type { PooledOperation } from "../../runtime/operation/operation.ts";
import type { SendBuffer } from "../tcp/send_buffer.ts";
import { ahead } from "../tcp/sequence.ts";

/** See the module's description. */
export class WaitingPushes {
  readonly #list: OperationList;
  /** Where the oldest one begins in the stream; a part of it may be taken. */
  #from = 0;

  /** Keeps them in a list, which nobody else changes. */
  constructor(list: OperationList) {
    this.#list = list;
  }

  /** Adds one, which begins there in the stream. */
  add(operation: PooledOperation, begin: number): void {
    if (this.#list.head === null) this.#from = begin;
    this.#list.push(operation);
  }

  /** The stack takes the stream up to a limit: those before it are over, or those of them before one that is cancelled. */
  complete(limit: number, until: PooledOperation | null = null): void {
    for (let one = this.#list.head; one !== null; one = this.#list.head) {
      const length = one.sga!.totalLength;
      const taken = ahead(limit, this.#from);
      if (taken < length || one === until) {
        one.size = Math.min(Math.max(taken, 0), length);
        return;
      }
      this.#from = (this.#from + length) | 0;
      this.#list.shift();
      // The stack has it now, and frees it when it is acknowledged.
      one.sga = null;
      one.complete(undefined);
    }
  }

  /** The connection broke. */
  fail(errno: number): void {
    while (this.#list.head !== null) {
      const one = this.#list.shift();
      // The stack has let go of it.
      one.sga = null;
      one.fail(errno);
    }
  }

  /** Takes one back, of a stream that the stack takes up to a limit by now: more may have been sent since it was told last. */
  cancel(operation: PooledOperation, buffer: SendBuffer, limit: number): void {
    this.complete(limit, operation);
    this.#withdraw(operation, buffer);
    this.#list.replace(operation, null);
  }

  /** Takes all of them back, and completes those with `ECANCELED` that are beyond the limit. */
  cancelAll(buffer: SendBuffer, limit: number): void {
    this.complete(limit);
    for (let one = this.#list.head; one !== null; one = one.link) this.#withdraw(one, buffer);
    while (this.#list.head !== null) this.#list.shift().fail(Errno.ECANCELED);
  }

  /** Takes it out of what is to be sent, unless a part of it is the stack's already. */
  #withdraw(operation: PooledOperation, buffer: SendBuffer): void {
    const sga = operation.sga!;
    if (operation.size === 0 && buffer.remove(sga)) return;
    // A part of it is on its way: the rest has to follow, or the stream would be torn.
    this.#from = (this.#from + sga.totalLength) | 0;
    operation.sga = null;
  }
}
