/**
 * The async iterator over what a queue pops.
 *
 * Written by hand: an async generator costs twice as much on each item. What `next` gives is the pop itself, and its
 * functions are made once.
 *
 * @module
 */

import { DENO_ERRORS, toDenoError } from "./errors.ts";
import type { LibOS, Outcome, QueueDescriptor, Sga } from "../pdpix.ts";

/** What is iterated over. */
export interface PopSource {
  /** Whether it was not closed. */
  readonly open: boolean;
  /** Closes it. */
  close(): void;
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

type Result = IteratorResult<Sga, undefined>;

/** See the module's description. Ends quietly when the source is closed. */
export class PopIterator implements AsyncIterableIterator<Sga, undefined> {
  readonly #libos: LibOS;
  readonly #qd: QueueDescriptor;
  readonly #source: PopSource;
  #ended = false;

  /** Iterates over what is popped from the queue of a source. */
  constructor(libos: LibOS, qd: QueueDescriptor, source: PopSource) {
    this.#libos = libos;
    this.#qd = qd;
    this.#source = source;
  }

  /** Gives the next item. */
  next(): Promise<Result> {
    if (this.#ended || !this.#source.open) return Promise.resolve(DONE);
    try {
      return this.#libos.operations.pop(this.#qd, 0, this.#outcome);
    } catch (error) {
      throw toDenoError(error);
    }
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

  readonly #outcome: Outcome<Sga | null, Result> = {
    ...DENO_ERRORS,
    result: (value) => {
      if (value !== null) return { done: false, value };
      this.#ended = true;
      return DONE;
    },
    error: (error) => {
      this.#ended = true;
      if (this.#source.open) throw toDenoError(error);
      return DONE;
    },
  };
}
