/**
 * The scoreboard of what is under way (RFC 6675, section 3; RFC 8985, section 5): for each segment when it was sent last, and
 * whether it arrived, is taken for lost, or was sent again.
 *
 * Records lie side by side in the order of their sequence numbers, in typed arrays that are made once and used by one
 * connection after the other. A connection has none as long as one segment is under way at most, as in a dialogue; and one
 * without selective acknowledgments has none at all.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { ahead, before } from "./sequence.ts";

/** What is known of a record: bits of its state. */
export const RECORD = Object.freeze(
  {
    /** It was acknowledged selectively. */
    SACKED: 1,
    /** It is taken for lost, and not sent again yet. */
    LOST: 2,
    /** It was sent more than once. */
    RETRANSMITTED: 4,
  } as const,
);

const FIRST_SIZE = 64;

/** See the module's description. A record is known by its index, which is good until records come or go. */
export class Scoreboard {
  /** The sequence number at which the first record begins. */
  start = 0;
  /** The first record. */
  first = 0;
  /** The record after the last one. */
  last = 0;
  /** Bytes of records that were acknowledged selectively. */
  sackedBytes = 0;
  /** Bytes of records that are taken for lost. */
  lostBytes = 0;
  /** Bytes of which the acknowledgment that is being looked at told first. */
  delivered = 0;
  /** Whether a segment was among them that was sent once, before the last timeout. */
  original = false;
  /** The next one that nobody uses. */
  next: Scoreboard | null = null;
  #ends: Int32Array = new Int32Array(FIRST_SIZE);
  #times: Int32Array = new Int32Array(FIRST_SIZE);
  #states: Uint8Array = new Uint8Array(FIRST_SIZE);

  /** Begins anew at a sequence number, with nothing under way. */
  reset(start: number): void {
    this.start = start;
    this.first =
      this.last =
      this.sackedBytes =
      this.lostBytes =
        0;
  }

  /** Where a record begins. */
  startOf(index: number): number {
    return index === this.first ? this.start : this.#ends[index - 1]!;
  }

  /** Where a record ends. */
  endOf(index: number): number {
    return this.#ends[index]!;
  }

  /** When a record was sent last, in microseconds of the stack. */
  timeOf(index: number): number {
    return this.#times[index]!;
  }

  /** The state of a record: bits of {@linkcode RECORD}. */
  stateOf(index: number): number {
    return this.#states[index]!;
  }

  /** How long a record is. */
  lengthOf(index: number): number {
    return ahead(this.#ends[index]!, this.startOf(index));
  }

  /** What was sent just now, for the first time, ends there. */
  append(end: number, now: number): void {
    if (this.last === this.#ends.length && !this.#makeRoom()) {
      // What is sent beyond the bound counts as one segment with the last one, as late as the latest of it.
      const index = this.last - 1;
      if ((this.#states[index]! & RECORD.SACKED) !== 0) this.sackedBytes -= this.lengthOf(index);
      if ((this.#states[index]! & RECORD.LOST) !== 0) this.lostBytes -= this.lengthOf(index);
      this.#states[index] = this.#states[index]! & RECORD.RETRANSMITTED;
      this.#ends[index] = end;
      this.#times[index] = now;
      return;
    }
    const index = this.last++;
    this.#ends[index] = end;
    this.#times[index] = now;
    this.#states[index] = 0;
  }

  /** The first record is acknowledged as a whole, or up to a number within it: it is gone, or shorter. */
  shift(ack: number): void {
    const { first } = this;
    const state = this.#states[first]!;
    const whole = !before(ack, this.#ends[first]!);
    const gone = ahead(whole ? this.#ends[first]! : ack, this.start);
    if ((state & RECORD.SACKED) !== 0) this.sackedBytes -= gone;
    else if ((state & RECORD.LOST) !== 0) this.lostBytes -= gone;
    this.start = (this.start + gone) | 0;
    if (whole) this.first++;
  }

  /** The record that a sequence number is in; the one after the last if it is beyond, the first if it is before. */
  find(seq: number): number {
    let low = this.first;
    let high = this.last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(seq, this.#ends[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Makes room to cut records, so often, without a change of their indices; says whether there is. */
  reserve(count: number): boolean {
    return this.last + count <= this.#ends.length || this.#makeRoom();
  }

  /** Cuts a record at a sequence number within it, so that two are there; there must be room. */
  split(index: number, seq: number): void {
    this.#ends.copyWithin(index + 1, index, this.last);
    this.#times.copyWithin(index + 1, index, this.last);
    this.#states.copyWithin(index + 1, index, this.last);
    this.#ends[index] = seq;
    this.last++;
  }

  /** A record was acknowledged selectively. */
  markSacked(index: number): void {
    const state = this.#states[index]!;
    const length = this.lengthOf(index);
    if ((state & RECORD.LOST) !== 0) this.lostBytes -= length;
    this.#states[index] = (state & ~RECORD.LOST) | RECORD.SACKED;
    this.sackedBytes += length;
  }

  /** A record is taken for lost. */
  markLost(index: number): void {
    this.#states[index] = this.#states[index]! | RECORD.LOST;
    this.lostBytes += this.lengthOf(index);
  }

  /** A record was sent again just now. */
  markRetransmitted(index: number, now: number): void {
    const state = this.#states[index]!;
    if ((state & RECORD.LOST) !== 0) this.lostBytes -= this.lengthOf(index);
    this.#states[index] = (state & ~RECORD.LOST) | RECORD.RETRANSMITTED;
    this.#times[index] = now;
  }

  /**
   * Takes everything for lost that was not acknowledged; all of it if the peer is not to be believed (RFC 2018, section 8: it
   * may forget what it acknowledged selectively).
   */
  markAllLost(all: boolean): void {
    this.sackedBytes = this.lostBytes = 0;
    for (let i = this.first; i < this.last; i++) {
      const state = this.#states[i]!;
      if (!all && (state & RECORD.SACKED) !== 0) {
        this.sackedBytes += this.lengthOf(i);
        continue;
      }
      this.#states[i] = (state & RECORD.RETRANSMITTED) | RECORD.LOST;
      this.lostBytes += this.lengthOf(i);
    }
  }

  /** Nothing is taken for lost any more. */
  forgiveAll(): void {
    this.lostBytes = 0;
    for (let i = this.first; i < this.last; i++) {
      this.#states[i] = this.#states[i]! & ~RECORD.LOST;
    }
  }

  /** Makes one record of those from `from` to before `to`, all of which were acknowledged selectively. */
  merge(from: number, to: number): void {
    const gone = to - from - 1;
    if (gone <= 0) return;
    // The last one of them stays: it has the end.
    this.#ends.copyWithin(from, to - 1, this.last);
    this.#times.copyWithin(from, to - 1, this.last);
    this.#states.copyWithin(from, to - 1, this.last);
    this.last -= gone;
  }

  /** The first record that is taken for lost, from a record on; -1 if there is none. */
  nextLost(from: number): number {
    for (let i = from; i < this.last; i++) {
      if ((this.#states[i]! & RECORD.LOST) !== 0) return i;
    }
    return -1;
  }

  /** Moves the records to the beginning, or makes the arrays larger; says whether there is room now. */
  #makeRoom(): boolean {
    const { first, last } = this;
    const size = 2 * this.#ends.length;
    const isLargest = size > BOUNDS.SCOREBOARD;
    if (first > 4 && (isLargest || first >= last >> 1)) {
      this.#ends.copyWithin(0, first, last);
      this.#times.copyWithin(0, first, last);
      this.#states.copyWithin(0, first, last);
      this.first = 0;
      this.last = last - first;
      return true;
    }
    if (isLargest) return false;
    const [ends, times, states] = [this.#ends, this.#times, this.#states];
    this.#ends = new Int32Array(size);
    this.#times = new Int32Array(size);
    this.#states = new Uint8Array(size);
    this.#ends.set(ends);
    this.#times.set(times);
    this.#states.set(states);
    return true;
  }
}

/** Scoreboards that nobody uses are kept, for the next connection that needs one; so many at most. */
const KEPT = 256;

/** Scoreboards that nobody uses, for all connections of a host. */
export class ScoreboardPool {
  #free: Scoreboard | null = null;
  #count = 0;

  /** Takes one, which begins at a sequence number. */
  take(start: number): Scoreboard {
    let board = this.#free;
    if (board === null) {
      board = new Scoreboard();
    } else {
      this.#free = board.next;
      this.#count--;
      board.next = null;
    }
    board.reset(start);
    return board;
  }

  /** Takes one back. */
  put(board: Scoreboard): void {
    if (this.#count === KEPT) return;
    this.#count++;
    board.next = this.#free;
    this.#free = board;
  }
}
