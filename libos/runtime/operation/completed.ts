/**
 * Operations that were over when they were made: a push whose bytes were all taken at once, as nearly all
 * are, and a pop that found something. Each is made once and used again and again, so it costs nothing.
 *
 * @module
 */

import { checkTimeout } from "../../error.ts";
import type { Operation, OperationOptions, Suspension } from "../../pdpix.ts";

/** See the module's description. */
export class Completed<T> extends Promise<T> implements Operation<T> {
  /** With `value`, the iterator's result: this object is its own, so that waiting allocates nothing. */
  readonly done = true;
  /** The result. */
  readonly value: T;

  /** Makes a successful operation with a result. */
  constructor(value: T) {
    super((resolve) => resolve(value));
    this.value = value;
  }

  static {
    // `await` takes a promise as it is only when this says that it is one of the language's own. What `then` and
    // the like derive is one indeed.
    Object.defineProperty(this.prototype, "constructor", { value: Promise });
  }

  /** See {@linkcode Operation}. */
  [Symbol.iterator](): Iterator<Suspension, T, unknown> {
    return this as unknown as Iterator<Suspension, T, unknown>;
  }

  /** The iterator's only step. */
  next(): this {
    return this;
  }

  /** See {@linkcode Operation.cancel}: it is over already. */
  cancel(): void {}

  /** See {@linkcode Operation.within}: it is over already. */
  within({ timeout }: OperationOptions): this {
    if (timeout !== undefined) checkTimeout(timeout);
    return this;
  }
}
