/**
 * The time that a stack was told last, in the forms that its parts need.
 *
 * @module
 */

/** See the module's description. Integers wrap around: compare by the sign of a difference. */
export class Time {
  /** Milliseconds, with fractions, on the clock of whoever polls. */
  now = 0;
  /** Whole milliseconds, 32 bits of them. */
  ms = 0;
  /** Whole microseconds, 32 bits of them. */
  us = 0;

  /** It is that late now. Time does not go back. */
  advance(now: number): void {
    if (now < this.now) return;
    this.now = now;
    this.ms = Math.floor(now) | 0;
    this.us = Math.floor(now * 1000) | 0;
  }

  /** When it will be `ms`, which is less than 2³¹ milliseconds from now. */
  at(ms: number): number {
    return Math.floor(this.now) + ((ms - this.ms) | 0);
  }
}

/** Lets through so many in a second, and counts the others. */
export class RateLimit {
  /** How many were not let through. */
  refused = 0;
  readonly #most: number;
  readonly #time: Time;
  #second = 0;
  #count = 0;

  /** Makes a limit of `most` a second. */
  constructor(most: number, time: Time) {
    this.#most = most;
    this.#time = time;
  }

  /** Whether one more may pass. */
  spend(): boolean {
    const { ms } = this.#time;
    if (((ms - this.#second) | 0) >= 1000 || ((ms - this.#second) | 0) < 0) {
      this.#second = ms;
      this.#count = 0;
    }
    if (++this.#count <= this.#most) return true;
    this.refused++;
    return false;
  }
}
