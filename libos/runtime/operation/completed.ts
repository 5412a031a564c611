/**
 * Operations that were over when they were made: a push whose bytes were all taken at once, as nearly all
 * are, and a pop that found something. Each is made once and used again and again, so it costs nothing; it
 * is a real promise that was resolved long ago, since `await` is five times faster on one than on an object
 * with a `then` of its own.
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
  readonly #pooled: (value: T) => Operation<T>;

  /** Makes a successful operation with a result; `pooled` makes one that can be converted. */
  constructor(value: T, pooled: (value: T) => Operation<T>) {
    super((resolve) => resolve(value));
    this.value = value;
    this.#pooled = pooled;
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

  /** See {@linkcode Operation.deliver}. */
  deliver(resolve: (value: T) => void): void {
    resolve(this.value);
  }

  /** See {@linkcode Operation.convert}. */
  convert<U = T>(
    result: ((value: T) => U) | null,
    error: ((error: unknown) => unknown) | null,
    lost: (() => void) | null = null,
  ): Operation<U> {
    if (result === null && lost === null) return this as unknown as Operation<U>;
    return this.#pooled(this.value).convert(result, error, lost);
  }

  /** See {@linkcode Operation.cancel}: it is over already. */
  cancel(): void {}

  /** See {@linkcode Operation.within}: it is over already. */
  within({ timeout }: OperationOptions): this {
    if (timeout !== undefined) checkTimeout(timeout);
    return this;
  }
}
