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
  readonly #pipes: boolean;
  readonly #deadlines = new Map<number, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Closes by these calls: pipes, or sockets. */
  constructor(calls: Calls, pipes: boolean) {
    this.#calls = calls;
    this.#pipes = pipes;
  }

  /** Closes a queue, now or as soon as that can be. */
  close(qd: number): void {
    this.#calls.close(qd);
    if (this.#isClosed(qd)) return;
    this.#deadlines.set(qd, performance.now() + PATIENCE);
    this.#timer ??= setTimeout(this.#again, PAUSE);
  }

  /** The descriptor of a pipe was given out, so the one that had it is closed. */
  opened(qd: number): void {
    this.#deadlines.delete(qd);
  }

  readonly #again = (): void => {
    const now = performance.now();
    for (const [qd, deadline] of this.#deadlines) {
      if (this.#isClosed(qd) || now > deadline) this.#deadlines.delete(qd);
      else this.#calls.close(qd);
    }
    this.#timer = this.#deadlines.size > 0 ? setTimeout(this.#again, PAUSE) : undefined;
  };

  /**
   * Upstream says that it closed also what it could not. But a pipe that is closed it does not know. A socket's
   * descriptor may be another one's by then, since it accepts while it closes; but of one that is closing no option can
   * be set.
   */
  #isClosed(qd: number): boolean {
    if (this.#pipes) return this.#calls.close(qd) === -Errno.EBADF;
    const { result, seconds } = this.#calls.getLinger(qd);
    return result < 0 || this.#calls.setLinger(qd, seconds) !== -Errno.EBUSY;
  }
}
