/**
 * Happy Eyeballs: connecting to a host of which only the name is known (RFC 8305).
 *
 * Both families are asked for at once, and addresses of both tried in turn, the next one when the one before has failed
 * or said nothing for a while. The first connection wins.
 *
 * @module
 */

import type { Family } from "./names.ts";

/** How long the addresses of IPv4 wait for those of IPv6, in milliseconds (section 3). */
const RESOLUTION_DELAY = 50;
/** How long one attempt is alone, in milliseconds (section 5). */
const CONNECTION_ATTEMPT_DELAY = 250;

/** What goes on, and can be ended: an operation, for one. */
interface Cancellable<T> extends PromiseLike<T> {
  cancel(): void;
}

/** What a race is made of. */
export interface Course<T> {
  /** The families to ask for. */
  readonly families: readonly Family[];
  /** Asks for the addresses of one. */
  lookUp(family: Family): PromiseLike<readonly string[]>;
  /** Tries an address; it may throw. */
  attempt(address: string): Cancellable<T>;
  /** Is over after so many milliseconds. */
  sleep(milliseconds: number): Cancellable<void>;
  /** Lets go of a connection that is not needed. */
  close(loser: T): void;
}

/** A race between the addresses of a host. */
export class Race<T> {
  /** Resolves to the first connection; rejects with what the last attempt, or else the last look-up, failed with. */
  readonly winner: Promise<T>;
  readonly #course: Course<T>;
  readonly #settle = Promise.withResolvers<T>();
  readonly #asked = new Set<Family>();
  readonly #addresses: Record<Family, string[]> = { 4: [], 6: [] };
  readonly #attempts = new Set<Cancellable<T>>();
  /** The family that is next, if it has an address (section 4: they take turns). */
  #next: Family = 6;
  /** What is waited for before the next attempt. */
  #delay: Cancellable<void> | null = null;
  #error: { readonly reason: unknown; readonly ofAttempt: boolean } | null = null;
  #over = false;

  /** Makes one that has not begun. */
  constructor(course: Course<T>) {
    this.#course = course;
    this.winner = this.#settle.promise;
  }

  /** Begins it. */
  begin(): void {
    for (const family of this.#course.families) this.#asked.add(family);
    for (const family of this.#course.families) {
      this.#course.lookUp(family).then(
        (addresses) => this.#answered(family, addresses),
        (reason) => this.#failedToLookUp(family, reason),
      );
    }
  }

  /** Ends it, and lets go of everything, the winner included, which nobody gets. */
  abandon(): void {
    this.#finish();
    this.winner.then((winner) => this.#course.close(winner), () => {});
    this.#settle.reject(new Error("abandoned"));
  }

  #answered(family: Family, addresses: readonly string[]): void {
    this.#asked.delete(family);
    if (this.#over) return;
    this.#addresses[family].push(...addresses);
    if (family === 6) {
      // Whether IPv4 waits for this, or for an attempt of its own: it goes on in turn.
      if (this.#attempts.size === 0) this.#stopWaiting();
    } else if (this.#asked.has(6)) {
      return this.#wait(RESOLUTION_DELAY);
    }
    if (this.#delay === null) this.#tryNext();
  }

  #failedToLookUp(family: Family, reason: unknown): void {
    if (!this.#error?.ofAttempt) this.#error = { reason, ofAttempt: false };
    this.#answered(family, []);
  }

  #tryNext(): void {
    this.#stopWaiting();
    const address = this.#takeAddress();
    if (address === undefined) return this.#checkLost();
    let attempt: Cancellable<T>;
    try {
      attempt = this.#course.attempt(address);
    } catch (reason) {
      return this.#failed(reason);
    }
    this.#attempts.add(attempt);
    this.#wait(CONNECTION_ATTEMPT_DELAY);
    attempt.then(
      (connection) => {
        this.#attempts.delete(attempt);
        if (this.#over) return this.#course.close(connection);
        this.#finish();
        this.#settle.resolve(connection);
      },
      (reason) => {
        this.#attempts.delete(attempt);
        if (!this.#over) this.#failed(reason);
      },
    );
  }

  #failed(reason: unknown): void {
    this.#error = { reason, ofAttempt: true };
    this.#tryNext();
  }

  #takeAddress(): string | undefined {
    const first = this.#addresses[this.#next].length > 0 ? this.#next : other(this.#next);
    const address = this.#addresses[first].shift();
    if (address !== undefined) this.#next = other(first);
    return address;
  }

  /** It is lost when nothing is left that might still win it. */
  #checkLost(): void {
    if (this.#attempts.size > 0 || this.#asked.size > 0) return;
    this.#finish();
    this.#settle.reject(this.#error?.reason);
  }

  #wait(milliseconds: number): void {
    const delay = this.#course.sleep(milliseconds);
    this.#delay = delay;
    // What is cancelled is none of ours any more.
    delay.then(() => this.#delay === delay && this.#tryNext(), () => {});
  }

  #stopWaiting(): void {
    const delay = this.#delay;
    this.#delay = null;
    delay?.cancel();
  }

  #finish(): void {
    this.#over = true;
    this.#stopWaiting();
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
  }
}

function other(family: Family): Family {
  return family === 6 ? 4 : 6;
}
