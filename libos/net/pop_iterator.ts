/**
 * The async iterator over what a queue pops.
 *
 * Written by hand: an async generator costs twice as much on each item. Its functions are made once, and
 * the operations go back to their pool.
 *
 * @module
 */

import type { Operation, Sga } from "../pdpix.ts";

/** What is iterated over. */
export interface PopSource {
  /** Whether it was not closed. */
  readonly open: boolean;
  /** Waits for the next item; null is the end. */
  pop(): Operation<Sga | null>;
  /** Closes it. */
  close(): void;
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

type Result = IteratorResult<Sga, undefined>;

/** See the module's description. Ends quietly when the source is closed. */
export class PopIterator implements AsyncIterableIterator<Sga, undefined> {
  readonly #source: PopSource;
  #resolve: ((result: Result) => void) | null = null;
  #reject: ((error: unknown) => void) | null = null;
  #ended = false;

  /** Iterates over a source. */
  constructor(source: PopSource) {
    this.#source = source;
  }

  /** Gives the next item. */
  next(): Promise<Result> {
    if (this.#ended || !this.#source.open) return Promise.resolve(DONE);
    const operation = this.#source.pop();
    if (this.#resolve !== null) return this.#nextBeside(operation);
    const promise = new Promise<Result>(this.#executor);
    operation.deliver(this.#deliver, this.#fail);
    return promise;
  }

  /** Ends the iteration, and closes the source. */
  return(): Promise<Result> {
    this.#ended = true;
    if (this.#source.open) this.#source.close();
    return Promise.resolve(DONE);
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Asked again before the last answer: one queue's pops end in the order of the questions. */
  #nextBeside(operation: Operation<Sga | null>): Promise<Result> {
    return new Promise((resolve, reject) =>
      operation.deliver(
        (value) => this.#give(value, resolve),
        (error) => this.#refuse(error, resolve, reject),
      )
    );
  }

  readonly #executor = (
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  readonly #deliver = (value: Sga | null): void => {
    const resolve = this.#resolve!;
    this.#resolve = null;
    this.#give(value, resolve);
  };

  readonly #fail = (error: unknown): void => {
    const [resolve, reject] = [this.#resolve!, this.#reject!];
    this.#resolve = null;
    this.#refuse(error, resolve, reject);
  };

  #give(value: Sga | null, resolve: (result: Result) => void): void {
    if (value === null) {
      this.#ended = true;
      resolve(DONE);
    } else {
      resolve({ done: false, value });
    }
  }

  #refuse(
    error: unknown,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ): void {
    this.#ended = true;
    if (this.#source.open) reject(error);
    else resolve(DONE);
  }
}
