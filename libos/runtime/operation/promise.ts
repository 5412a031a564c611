/**
 * The promise of an operation: what is given to whoever asks outside of a coroutine. It is one of the language's own,
 * so all that is done with promises works, `await` is as fast as it gets, and a failure that nobody waits for is an
 * unhandled rejection. The pooled operation behind it goes back to the pool with the result.
 *
 * @module
 */

import { checkTimeout } from "../../error.ts";
import type { Operation, OperationOptions, Outcome, Suspension } from "../../pdpix.ts";
import type { PooledOperation } from "./operation.ts";
import type { OperationPool } from "./pool.ts";

type Resolve = (value: never) => void;
type Reject = (error: unknown) => void;

let resolveMade: Resolve;
let rejectMade: Reject;

/** The executor of all of them, which would cost a closure each otherwise. */
function capture(resolve: (value: never) => void, reject: Reject): void {
  resolveMade = resolve;
  rejectMade = reject;
}

/** See the module's description. */
export class OperationPromise<T> extends Promise<T> implements Operation<T> {
  readonly #pool: OperationPool;
  /** What it waits for; null once that is over, as its object may be another operation then. */
  #operation: PooledOperation | null;
  readonly #unclaimed: Outcome<never>["unclaimed"];
  readonly #resolve: Resolve;
  readonly #reject: Reject;

  /** Made by an operation, which settles it. */
  constructor(
    operation: PooledOperation,
    pool: OperationPool,
    unclaimed: Outcome<never>["unclaimed"],
  ) {
    super(capture);
    this.#pool = pool;
    this.#operation = operation;
    this.#unclaimed = unclaimed;
    this.#resolve = resolveMade;
    this.#reject = rejectMade;
  }

  static {
    // `await` takes a promise as it is only when this says that it is one of the language's own. What `then` and
    // the like derive is one indeed.
    Object.defineProperty(this.prototype, "constructor", { value: Promise });
  }

  /** Used by its operation: it succeeded. */
  succeed(value: T): void {
    this.#operation = null;
    this.#resolve(value as never);
  }

  /** Used by its operation: it failed, and is `missed` or not if nobody waits. */
  fail(error: unknown, missed: boolean): void {
    this.#operation = null;
    if (!missed) this.catch(ignore);
    this.#reject(error);
  }

  /** Nobody waited for it, and it failed: says whether somebody wants to know, who is told. */
  tellUnclaimed(error: unknown): boolean {
    this.#unclaimed?.(error);
    return this.#unclaimed !== undefined;
  }

  /** See {@linkcode Operation}: made outside of coroutines, and waited for in one. */
  [Symbol.iterator](): Iterator<Suspension, T, unknown> {
    return this.#pool.join(this)[Symbol.iterator]();
  }

  /** See {@linkcode Operation.cancel}. */
  cancel(): void {
    if (this.#operation === null) return;
    this.catch(ignore);
    this.#operation.cancel();
  }

  /** See {@linkcode Operation.within}. */
  within(options: OperationOptions): this {
    if (options.timeout !== undefined) checkTimeout(options.timeout);
    this.#operation?.within(options);
    return this;
  }
}

/** Whoever cancelled an operation knows of it. */
function ignore(): void {}

let watched = false;

/**
 * Tells whoever wants to know of failures that nobody waited for, instead of all the world. Called with each libOS that
 * is opened.
 */
export function watchRejections(): void {
  if (watched) return;
  watched = true;
  globalThis.addEventListener("unhandledrejection", (event) => {
    const { promise, reason } = event;
    if (!(promise instanceof OperationPromise && promise.tellUnclaimed(reason))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
}
