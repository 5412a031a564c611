/**
 * Closing where the end of the data is an element of a ring in shared memory: while that is full, upstream gives up
 * after 16 tries, the queue stays, and whoever pops waits for an end that never comes. So it is tried again.
 *
 * @module
 */

import type { Calls } from "../../ffi/demikernel/calls.ts";
import { Errno } from "../error.ts";

/** How long somebody may take to make room, and how often that is looked for, in milliseconds. */
const PATIENCE = 5000;
const PAUSE = 1;

/** The queues of one thread that could not be closed yet. It outlives the libOS object: so does the library. */
export class Closing {
  readonly #calls: Calls;
  readonly #deadlines = new Map<number, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Closes by these calls. */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Closes a queue, now or as soon as that can be. */
  close(qd: number): void {
    if (this.#closed(qd)) return;
    this.#deadlines.set(qd, performance.now() + PATIENCE);
    this.#timer ??= setTimeout(this.#again, PAUSE);
  }

  /** A descriptor was given out, so the queue that had it is closed. */
  opened(qd: number): void {
    this.#deadlines.delete(qd);
  }

  readonly #again = (): void => {
    const now = performance.now();
    for (const [qd, deadline] of this.#deadlines) {
      if (this.#closed(qd) || now > deadline) this.#deadlines.delete(qd);
    }
    this.#timer = this.#deadlines.size > 0 ? setTimeout(this.#again, PAUSE) : undefined;
  };

  /** Upstream's call says that it succeeded also where it did not; but a closed queue it does not know. */
  #closed(qd: number): boolean {
    return this.#calls.close(qd) === -Errno.EBADF || this.#calls.close(qd) === -Errno.EBADF;
  }
}
