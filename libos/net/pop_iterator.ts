/**
 * The async iterator over what a queue pops.
 *
 * Written by hand: an async generator costs twice as much on each item. What `next` gives is the pop itself, and its
 * functions are made once.
 *
 * @module
 */

import { isClosed } from "./lease.ts";
import type { LibOS, Operations, Outcome, QueueDescriptor, Sga } from "../pdpix.ts";

/** What is iterated over. */
export interface PopSource {
  /** The queue that is popped, and its libOS. */
  readonly qd: QueueDescriptor;
  readonly libos: LibOS;
  /** Whether it was not closed. */
  readonly open: boolean;
  /** Closes it. */
  close(): void;
}

/** What is made of the errors of a source. */
interface PopOutcome {
  readonly error: (error: unknown) => never;
  readonly unclaimed: ((error: unknown) => void) | undefined;
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

type Result = IteratorResult<Sga, undefined>;

/** See the module's description. Ends quietly when the source is closed. */
export class PopIterator implements AsyncIterableIterator<Sga, undefined> {
  readonly #source: PopSource;
  readonly #operations: Operations;
  readonly #outcome: Outcome<Sga | null, Result>;
  #ended = false;

  /** Iterates over what is popped from the queue of a source; `outcome` says how its pops fail. */
  constructor(source: PopSource, operations: Operations, outcome: PopOutcome) {
    this.#source = source;
    this.#operations = operations;
    this.#outcome = {
      result: (value) => {
        if (value !== null) return { done: false, value };
        this.#ended = true;
        return DONE;
      },
      error: (error) => {
        this.#ended = true;
        if (this.#source.open && !isClosed(this.#source.libos)) outcome.error(error);
        return DONE;
      },
      lost: undefined,
      unclaimed: outcome.unclaimed,
    };
  }

  /** Gives the next item. */
  next(): Promise<Result> {
    if (this.#ended || !this.#source.open) return Promise.resolve(DONE);
    try {
      return this.#operations.pop(this.#source.qd, 0, this.#outcome);
    } catch (error) {
      return Promise.try(this.#outcome.error!, error);
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
}
