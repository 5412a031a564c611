/**
 * Operations under way: one pooled object each, that is the token's slot, the coroutine's iterator and the
 * promise's source at once.
 *
 * An operation is PENDING until the libOS completes or fails it, then OVER until its waiter consumed the
 * result. Consumed in a coroutine it goes back to the pool; awaited, it stays with whoever holds it and
 * can be awaited again, like a promise.
 *
 * @module
 */

import { checkTimeout, DemikernelError, Errno } from "../../error.ts";
import type { Operation, OperationOptions, SocketAddress, Suspension } from "../../pdpix.ts";
import { Limits } from "./limits.ts";
import type { OperationPool } from "./pool.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Task } from "../scheduler/task.ts";
import type { HeapSga } from "../memory/sga.ts";

/** What an operation does; the paper's opcodes, and three of our own. */
export const Opcode = {
  PUSH: 1,
  POP: 2,
  ACCEPT: 3,
  CONNECT: 4,
  SLEEP: 5,
  JOIN: 6,
} as const;

/** The names of the opcodes, as errors tell them. */
export const OPCODE_NAMES = ["", "push", "pop", "accept", "connect", "sleep", "join"] as const;

const PENDING = 0;
const OVER = 1;
const CONSUMED = 2;
/** Over, and delivered to an `await`, which may be repeated. */
const SETTLED = 3;

/** What an operation is on: it can be asked to let go of one. */
export interface OperationOwner {
  /** Named in errors. */
  readonly qd: number | undefined;
  /** Whether its pending operations keep the process alive. */
  readonly referenced: boolean;
  /** How many of its operations are pending. */
  pending: number;
  /** Unlinks a pending operation; from then on the owner does not touch it. */
  cancel(operation: PooledOperation): void;
  /** Lets go of the result of an operation that is over, which nobody will take. */
  discard(operation: PooledOperation): void;
}

/** An operation of a libOS in TypeScript. */
// deno-lint-ignore no-explicit-any -- one class serves all result types, and must have one hidden class
export class PooledOperation<T = any> implements Operation<T> {
  /** With `value`, the iterator's result: this object is its own, so that waiting allocates nothing. */
  done = false;
  /** The result, once over. */
  value: unknown = undefined;
  /** What it does. */
  opcode = 0;
  /** What it is on. */
  owner: OperationOwner | null = null;
  /** The next in the list of its owner; null outside of it. */
  link: PooledOperation | null = null;
  /** What is being pushed. */
  sga: HeapSga | null = null;
  /** Bytes of it that are gone already; of a pop, the most it may give, 0 for any. */
  size = 0;
  /** Where it is pushed to. */
  address: SocketAddress | null = null;
  /** Its slot in the token table; -1 if it has no token. */
  slot = -1;
  /** Whether the scheduler was told that it is pending. */
  counted = false;
  /** Whether nobody waits for it: it was cancelled, and only its buffer is still needed. */
  ignored = false;

  readonly #pool: OperationPool;
  readonly #scheduler: Scheduler;
  #state = PENDING;
  #errno = 0;
  /** Turns the raw result into what the waiter gets. */
  #convert: ((value: never) => unknown) | null = null;
  /** Turns an error into what the waiter gets. */
  #convertError: ((error: unknown) => unknown) | null = null;
  /** Called when nobody will get a result. */
  #lost: (() => void) | null = null;
  #reason: unknown = undefined;
  #task: Task | null = null;
  #resolve: ((value: T) => void) | null = null;
  #reject: ((error: unknown) => void) | null = null;
  /** Whether the object escaped to a user who awaits it, and may again. */
  #escaped = false;
  #limits: Limits | null = null;

  /** Used by the pool alone. */
  constructor(pool: OperationPool) {
    this.#pool = pool;
    this.#scheduler = pool.scheduler;
  }

  /** Whether it is over. */
  get over(): boolean {
    return this.#state !== PENDING;
  }

  /** Whether it is over, and failed. */
  get failed(): boolean {
    return this.#errno !== 0;
  }

  /** Used by the pool: begins a new life. */
  begin(opcode: number, owner: OperationOwner): void {
    this.#state = PENDING;
    this.done = false;
    this.opcode = opcode;
    this.owner = owner;
    this.size = 0;
    this.#convert = null;
    this.#convertError = null;
    this.#lost = null;
  }

  /** Used by libOSes: it cannot be over yet, so the scheduler has to look after it. */
  suspend(): void {
    this.counted = true;
    this.owner!.pending++;
    this.#scheduler.retain(this.owner!.referenced);
  }

  /** Used by libOSes: it succeeded. */
  complete(value: unknown): void {
    this.value = value;
    this.#end();
  }

  /** Used by libOSes: it failed; `reason`, if given, is thrown as it is. */
  fail(errno: number, reason?: unknown): void {
    this.#errno = errno;
    this.#reason = reason;
    const lost = this.#lost;
    this.#lost = null;
    this.#end();
    // Afterwards, since it may close what this is on.
    if (lost !== null) lost();
  }

  /** Fails it for its waiter at once, whatever its owner still has to do. */
  abandon(errno: number, reason?: unknown): void {
    if (this.#state !== PENDING) return;
    this.owner!.cancel(this);
    this.fail(errno, reason);
  }

  /** See {@linkcode Operation.convert}. */
  convert<U = T>(
    result: ((value: T) => U) | null,
    error: ((error: unknown) => unknown) | null,
    lost: (() => void) | null = null,
  ): PooledOperation<U> {
    this.#convert = result;
    this.#convertError = error;
    if (this.#errno === 0) this.#lost = lost;
    else if (lost !== null) lost();
    return this as unknown as PooledOperation<U>;
  }

  /** See {@linkcode Operation.cancel}. */
  cancel(): void {
    this.abandon(Errno.ECANCELED);
  }

  /** See {@linkcode Operation.within}. */
  within(options: OperationOptions): this {
    if (options.timeout !== undefined) checkTimeout(options.timeout);
    if (this.#state !== PENDING) return this;
    if (options.signal?.aborted) this.abandon(Errno.ECANCELED, options.signal.reason);
    else this.#limits = new Limits(this, this.#scheduler, options, this.#limits);
    return this;
  }

  /** See {@linkcode Operation}. */
  [Symbol.iterator](): Iterator<Suspension, T, unknown> {
    return this as unknown as Iterator<Suspension, T, unknown>;
  }

  /** The iterator's step: suspends the coroutine while pending, gives the result or throws once over. */
  next(): this {
    const scheduler = this.#scheduler;
    const task = scheduler.current;
    if (this.#state === OVER) {
      if (!scheduler.spend() && task !== null) {
        task.waiting = true;
        scheduler.makeReady(task);
        return this;
      }
      this.done = true;
      if (this.#errno !== 0) this.#throw();
      if (this.#convert !== null) this.#applyConvert();
      this.#recycle();
      return this;
    }
    if (this.#state !== PENDING) throw this.#misuse("it was waited for already");
    if (task === null) throw this.#misuse("yield* works in a coroutine that was spawned");
    if (this.#task !== null || this.#resolve !== null) {
      throw this.#misuse("something else waits for it");
    }
    task.waiting = true;
    this.#task = task;
    return this;
  }

  /** The iterator's early end, when the coroutine is closed while it waits: its task has to learn of it. */
  return(): this {
    this.done = true;
    if (this.#state === PENDING) {
      if (this.#task !== null) this.#scheduler.makeReady(this.#task);
      this.#task = null;
      this.ignored = true;
      this.cancel();
    } else if (this.#state === OVER) {
      if (this.#errno === 0) this.owner!.discard(this);
      if (this.#lost !== null) this.#lost();
      this.consume();
    }
    return this;
  }

  /** See {@linkcode Operation.then}. */
  then(resolve: (value: T) => void, reject: (error: unknown) => void): void {
    this.#escaped = true;
    this.deliver(resolve, reject);
  }

  /** See {@linkcode Operation.deliver}. */
  deliver(resolve: (value: T) => void, reject: (error: unknown) => void): void {
    if (this.#state === PENDING) {
      if (this.#task !== null || this.#resolve !== null) {
        reject(this.#misuse("something else waits for it"));
        return;
      }
      this.#resolve = resolve;
      this.#reject = reject;
    } else if (this.#state === CONSUMED) {
      reject(this.#misuse("it was waited for already"));
    } else if (this.#scheduler.spend()) {
      this.#settle(resolve, reject);
    } else {
      this.#scheduler.makeReady({ next: null, step: () => this.#settle(resolve, reject) });
    }
  }

  /** The error of one that failed. */
  error(): unknown {
    const error = this.#reason ??
      new DemikernelError(this.#errno, OPCODE_NAMES[this.opcode]!, { qd: this.owner!.qd });
    return this.#convertError === null ? error : this.#convertError(error);
  }

  /** Its result, which may be an error, was taken: the object is free. */
  consume(): void {
    this.#errno = 0;
    this.#reason = undefined;
    this.#recycle();
  }

  #end(): void {
    this.#state = OVER;
    if (this.sga !== null) this.#finishPush();
    if (this.counted) {
      this.counted = false;
      this.owner!.pending--;
      this.#scheduler.release(this.owner!.referenced);
    } else if (this.slot < 0) {
      // It is over before anybody was given it.
      return;
    }
    if (this.#limits !== null) {
      this.#limits.release();
      this.#limits = null;
    }
    if (this.#task !== null) {
      const task = this.#task;
      this.#task = null;
      this.#scheduler.makeReady(task);
    } else if (this.#resolve !== null) {
      const resolve = this.#resolve;
      const reject = this.#reject!;
      this.#resolve = null;
      this.#reject = null;
      this.#scheduler.expectMicrotasks();
      this.#settle(resolve, reject);
    } else if (this.slot >= 0) {
      this.#pool.tokens.ended(this);
    } else if (this.ignored) {
      this.ignored = false;
      this.consume();
    }
  }

  #finishPush(): void {
    const sga = this.sga!;
    this.sga = null;
    this.address = null;
    sga.finish();
  }

  #settle(resolve: (value: T) => void, reject: (error: unknown) => void): void {
    if (this.#state === OVER && this.#errno === 0 && this.#convert !== null) {
      try {
        this.#applyConvert();
      } catch (error) {
        return reject(error);
      }
    }
    // Whoever gave a function of his own may have made a mistake in it, which is his.
    try {
      if (this.#errno === 0) resolve(this.value as T);
      else reject(this.error());
    } catch (error) {
      reportError(error);
    }
    if (this.#errno !== 0 && !this.#escaped) return this.consume();
    if (this.#escaped) this.#state = SETTLED;
    else this.#recycle();
  }

  #throw(): never {
    const error = this.error();
    this.consume();
    throw error;
  }

  #applyConvert(): void {
    try {
      this.value = this.#convert!(this.value as never);
    } catch (error) {
      this.consume();
      throw error;
    }
  }

  #recycle(): void {
    this.#state = CONSUMED;
    if (!this.#escaped) this.#pool.put(this);
  }

  #misuse(detail: string): DemikernelError {
    const name = OPCODE_NAMES[this.opcode]!;
    return new DemikernelError("EBUSY", `wait for ${name}`, { qd: this.owner?.qd, detail });
  }
}
