/**
 * Reading what may take several pops, as one operation: `await` it, or `yield*` it.
 *
 * It begins when it is waited for. What it waits for is one pop after the other, and as long as no pop gave the rest,
 * nothing was taken from the input. So one that is cancelled, or too late, loses nothing: it can be asked for again.
 *
 * @module
 */

import { checkTimeout, DemikernelError } from "../error.ts";
import type { LibOS, Operation, OperationOptions, Sga, Suspension } from "../pdpix.ts";
import { toDenoError } from "./errors.ts";
import { checkLimits } from "./limits.ts";

/** What is read from: it pops, and keeps what was popped. */
export interface Popped {
  /** The libOS of its sgas. */
  readonly libos: LibOS;
  /** One begins to read. Throws `Deno.errors.Busy` while another does. */
  begin(reader: Pick<Operation<unknown>, "cancel">): void;
  /** It reads no more. */
  end(): void;
  /** Asks for more. */
  pop(limits: OperationOptions | undefined): Operation<Sga | null>;
  /** Adds what that gave. */
  supply(sga: Sga | null): void;
}

/**
 * Reads from an input: `take` takes what it wants from there, when it is there; undefined means that more is needed,
 * which it may not say after the end.
 */
export function read<T, I extends Popped>(
  input: I,
  take: (input: I) => T | undefined,
  options: OperationOptions | undefined,
): Operation<T> {
  const reading = new Reading(input, take);
  if (options === undefined) return reading;
  checkLimits("read", options);
  return reading.within(options);
}

/** See the module's description. */
class Reading<T, I extends Popped> implements Operation<T> {
  /** With `value`, the result of its own step: waiting in a coroutine allocates no other object. */
  done = false;
  value: unknown = undefined;
  readonly #input: I;
  readonly #take: (input: I) => T | undefined;
  #signal: AbortSignal | undefined = undefined;
  /** When it is too late, on the clock of `performance`. */
  #deadline = Infinity;
  #begun = false;
  #cancelled = false;
  /** The pop under way. */
  #pop: Operation<Sga | null> | null = null;
  /** How a coroutine waits for that. */
  #waiting: Iterator<Suspension, Sga | null, unknown> | null = null;
  #promise: Promise<T> | null = null;

  static {
    // As of the operations of a libOS: `then` and the like are of its own.
    Object.setPrototypeOf(this.prototype, Promise.prototype);
  }

  declare readonly [Symbol.toStringTag]: string;

  constructor(input: I, take: (input: I) => T | undefined) {
    this.#input = input;
    this.#take = take;
  }

  /** See {@linkcode Operation}. */
  [Symbol.iterator](): Iterator<Suspension, T, unknown> {
    if (this.#promise !== null) {
      return this.#input.libos.operations.join(this.#promise)[Symbol.iterator]();
    }
    this.#begin();
    return this as unknown as Iterator<Suspension, T, unknown>;
  }

  /** The iterator's step: goes on as far as it can, and suspends the coroutine with a pop. */
  next(): unknown {
    try {
      for (;;) {
        if (this.#waiting !== null) {
          const step = this.#waiting.next();
          if (!step.done) return step;
          this.#supply(step.value);
        }
        const taken = this.#take(this.#input);
        if (taken !== undefined) {
          this.value = taken;
          this.done = true;
          this.#input.end();
          return this;
        }
        this.#waiting = this.#ask()[Symbol.iterator]();
      }
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** The iterator's early end, when the coroutine is closed while it waits. */
  return(): unknown {
    this.#waiting?.return?.();
    this.#end();
    this.done = true;
    return this;
  }

  /** As of a promise. */
  then<A = T, B = never>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return (this.#promise ??= this.#run()).then(resolved, rejected);
  }

  /** As of a promise. */
  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, rejected);
  }

  /** As of a promise. */
  finally(settled?: (() => void) | null): Promise<T> {
    return (this.#promise ??= this.#run()).finally(settled);
  }

  /** See {@linkcode Operation.cancel}. */
  cancel(): void {
    this.#cancelled = true;
    this.#pop?.cancel();
  }

  /** See {@linkcode Operation.within}. */
  within(options: OperationOptions): this {
    this.#pop?.within(options);
    const { timeout, signal } = options;
    if (timeout !== undefined) {
      this.#deadline = Math.min(this.#deadline, performance.now() + checkTimeout(timeout));
    }
    if (signal !== undefined) {
      this.#signal = this.#signal === undefined ? signal : AbortSignal.any([this.#signal, signal]);
    }
    return this;
  }

  async #run(): Promise<T> {
    this.#begin();
    try {
      for (;;) {
        const taken = this.#take(this.#input);
        if (taken !== undefined) return taken;
        this.#supply(await this.#ask());
      }
    } finally {
      this.#end();
    }
  }

  #begin(): void {
    if (this.#begun) {
      const detail = "it was waited for already";
      throw toDenoError(new DemikernelError("EBUSY", "wait for read", { detail }));
    }
    this.#checkCancelled();
    this.#input.begin(this);
    this.#begun = true;
  }

  #ask(): Operation<Sga | null> {
    this.#checkCancelled();
    return this.#pop = this.#input.pop(this.#limits());
  }

  #supply(sga: Sga | null): void {
    this.#pop = null;
    this.#waiting = null;
    this.#input.supply(sga);
  }

  #end(): void {
    this.#pop = null;
    this.#waiting = null;
    this.#input.end();
  }

  /** It may have been cancelled before a pop, or when one was over that did not give all. */
  #checkCancelled(): void {
    if (this.#cancelled) throw toDenoError(new DemikernelError("ECANCELED", "read"));
  }

  /** What is left of its bounds for the next pop. */
  #limits(): OperationOptions | undefined {
    if (this.#deadline === Infinity && this.#signal === undefined) return undefined;
    const timeout = Math.max(0, this.#deadline - performance.now());
    return {
      ...(timeout < Infinity && { timeout }),
      ...(this.#signal && { signal: this.#signal }),
    };
  }
}
