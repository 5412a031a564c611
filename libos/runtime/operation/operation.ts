/**
 * Operations under way: one pooled object each, that is the token's slot, the coroutine's iterator and what settles
 * a promise at once.
 *
 * An operation is PENDING until the libOS completes or fails it, then OVER until its waiter consumed the
 * result; then it goes back to the pool. One that a coroutine asked for is given to it as it is, and is a promise
 * too for who takes it as one: then it stays SHARED with whoever holds it.
 *
 * @module
 */

import { checkTimeout, DemikernelError, Errno } from "../../error.ts";
import type {
  Operation,
  OperationOptions,
  Outcome,
  SocketAddress,
  Suspension,
} from "../../pdpix.ts";
import { Limits } from "./limits.ts";
import { Opcode, OPCODE_NAMES, type OperationOwner } from "./owner.ts";
import { OperationPromise } from "./promise.ts";
import type { OperationPool } from "./pool.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Task } from "../scheduler/task.ts";
import type { HeapSga } from "../memory/sga.ts";

const PENDING = 0;
const OVER = 1;
const CONSUMED = 2;
/** Over, and its promise settled, which may be asked again and again. */
const SHARED = 3;

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
  /** What is made of its result. */
  outcome: Outcome<never, unknown> | null = null;
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
  #reason: unknown = undefined;
  /** The coroutine that waits for it. */
  #task: Task | null = null;
  /** The promise of its result; while there is one, nothing else waits. */
  #promise: OperationPromise<T> | null = null;
  /** Whether somebody has both the promise and this object, which cannot be used again then. */
  #shared = false;
  #limits: Limits | null = null;

  static {
    // `then` and the like are of its own; whoever asks whether it is a promise is told so.
    Object.setPrototypeOf(this.prototype, Promise.prototype);
  }

  declare readonly [Symbol.toStringTag]: string;

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

  /**
   * Whether it failed such that somebody should know. What is cancelled before it gave anything is not missed; of a push
   * the stream would be torn.
   */
  get missed(): boolean {
    return this.#errno !== 0 && (this.#errno !== Errno.ECANCELED || this.opcode === Opcode.PUSH);
  }

  /** Used by the pool: begins a new life. */
  begin(opcode: number, owner: OperationOwner): void {
    this.#state = PENDING;
    this.done = false;
    this.opcode = opcode;
    this.owner = owner;
    this.size = 0;
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
    const outcome = this.outcome;
    this.#end();
    // Afterwards, since it may close what this is on.
    outcome?.lost?.();
  }

  /** Fails it for its waiter at once, whatever its owner still has to do. */
  abandon(errno: number, reason?: unknown): void {
    if (this.#state !== PENDING) return;
    this.owner!.cancel(this);
    this.fail(errno, reason);
  }

  /** See {@linkcode Operation.cancel}: whoever does it knows of it. */
  cancel(): void {
    this.abandon(Errno.ECANCELED);
    this.#pool.unclaimed.delete(this);
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
    if (this.#promise !== null) return this.#promise[Symbol.iterator]();
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
      if (this.#errno !== 0 || this.outcome?.result) this.value = this.#consumeResult();
      else this.#recycle();
      return this;
    }
    if (this.#state !== PENDING) throw this.#misuse("it was waited for already");
    if (task === null) throw this.#misuse("yield* works in a coroutine that was spawned");
    if (this.#task !== null) throw this.#misuse("something else waits for it");
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
      if (this.#errno === 0) {
        this.owner!.discard(this);
        this.outcome?.lost?.();
      }
      this.consume();
    }
    return this;
  }

  /** As of a promise. */
  then<A = T, B = never>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#share().then(resolved, rejected);
  }

  /** As of a promise. */
  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#share().catch(rejected);
  }

  /** As of a promise. */
  finally(settled?: (() => void) | null): Promise<T> {
    return this.#share().finally(settled);
  }

  /** Gives its result to a promise, which from now on is whoever waits for it. */
  promise(): OperationPromise<T> {
    this.#promise = new OperationPromise<T>(this, this.#pool, this.outcome?.unclaimed);
    const promise = this.#promise;
    if (this.#errno !== 0) this.#pool.unclaimed.delete(this);
    if (this.#state === PENDING) {
      this.#scheduler.returned(this.owner!);
      return promise;
    }
    if (this.#scheduler.spend()) this.#settle();
    else this.#scheduler.makeReady({ next: null, step: () => this.#settle() });
    return promise;
  }

  /** The error of one that failed, as the libOS has it. */
  error(): unknown {
    return this.#reason ??
      new DemikernelError(this.#errno, OPCODE_NAMES[this.opcode]!, { qd: this.owner!.qd });
  }

  /** Its result, which may be an error, was taken: the object is free. */
  consume(): void {
    if (this.#errno !== 0) {
      this.#pool.unclaimed.delete(this);
      this.#errno = 0;
      this.#reason = undefined;
    }
    this.#recycle();
  }

  #end(): void {
    this.#state = OVER;
    const { sga } = this;
    if (sga !== null) {
      this.sga = null;
      this.address = null;
      sga.finish();
    }
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
    } else if (this.#promise !== null) {
      this.#settle();
    } else if (this.slot >= 0) {
      this.#pool.tokens.ended(this);
    } else if (this.ignored) {
      this.ignored = false;
      this.consume();
    } else if (this.missed) {
      this.#pool.leaveUnclaimed(this);
    }
  }

  /** The promise of its result, for who has this object as well. */
  #share(): Promise<T> {
    if (this.#promise !== null) return this.#promise;
    if (this.#state === CONSUMED) return Promise.reject(this.#misuse("it was waited for already"));
    if (this.#task !== null) return Promise.reject(this.#misuse("something else waits for it"));
    this.#shared = true;
    return this.promise();
  }

  #settle(): void {
    const promise = this.#promise!;
    const owner = this.owner!;
    if (owner.qd === undefined) this.#scheduler.wokeStranger();
    else this.#scheduler.woke(owner);
    try {
      promise.succeed(this.#result());
    } catch (error) {
      promise.fail(error, this.missed || this.#errno === 0);
    }
    if (this.#shared) {
      this.#state = SHARED;
    } else {
      this.#promise = null;
      this.consume();
    }
  }

  /** What the waiter gets: a result, or what is thrown. */
  #result(): T {
    const outcome = this.outcome;
    if (this.#errno === 0) {
      const value = this.value as never;
      return (outcome?.result ? outcome.result(value) : value) as T;
    }
    const error = this.error();
    if (!outcome?.error) throw error;
    return outcome.error(error) as T;
  }

  #consumeResult(): T {
    try {
      return this.#result();
    } finally {
      this.consume();
    }
  }

  #recycle(): void {
    this.#state = CONSUMED;
    // What is free holds no closed connection.
    this.owner = null;
    this.outcome = null;
    this.#pool.put(this);
  }

  #misuse(detail: string): DemikernelError {
    const name = OPCODE_NAMES[this.opcode]!;
    return new DemikernelError("EBUSY", `wait for ${name}`, { qd: this.owner?.qd, detail });
  }
}
