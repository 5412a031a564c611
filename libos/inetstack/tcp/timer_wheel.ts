/**
 * The entries of connections by the time at which they are to be looked at: a hierarchical timing wheel (Varghese and Lauck,
 * 1987, scheme 7). Nearly every connection has one and moves it all the time; so it costs the same for ten thousand as for
 * one, where the heap of the stack's other timers would touch as many of them as it is deep.
 *
 * A slot is a millisecond, 256 of them, or 65 536. An entry beyond the first wheel is looked at when its slot begins, which
 * is too early, and set anew on a finer one.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { Time } from "../time.ts";
import { Timer, type TimerHeap } from "../../runtime/scheduler/timers.ts";

/** Slots of one wheel, as a power of 2. */
const BITS = 8;
const SLOTS = 1 << BITS;
const WHEELS = 3;
/** Where those are that are due, while they are looked at one by one. */
const DUE = WHEELS * SLOTS;
/** The farthest that a wheel reaches; a slot less, since the present one has begun. */
const FIRST_REACH = SLOTS;
const SECOND_REACH = SLOTS * (SLOTS - 1);
const LAST_REACH = SLOTS * SLOTS * (SLOTS - 1);

/** See the module's description. */
export class TimerWheel {
  readonly #time: Time;
  readonly #timers: TimerHeap;
  readonly #expire: (connection: Connection) => void;
  /** The first connection of each slot. */
  readonly #slots: (Connection | null)[] = new Array(DUE + 1).fill(null);
  /** A bit for each slot that has one. */
  readonly #occupied = new Int32Array(DUE >> 5);
  /** The first millisecond that was not looked at. */
  #from: number;
  /** When the next slot begins, if the timer is armed. */
  #next = 0;
  readonly #timer = new Timer(() => this.#fire());

  /** Makes an empty wheel, which calls `expire` for each connection that is to be looked at. */
  constructor(time: Time, timers: TimerHeap, expire: (connection: Connection) => void) {
    this.#time = time;
    this.#timers = timers;
    this.#expire = expire;
    this.#from = time.ms;
  }

  /** Looks at a connection at a time, or earlier; not for other times any more. */
  set(connection: Connection, at: number): void {
    this.unset(connection);
    // Nobody was to be looked at meanwhile.
    if (!this.#timer.armed) this.#from = this.#time.ms;
    const ahead = Math.max(0, (at - this.#from) | 0);
    const wheel = ahead < FIRST_REACH ? 0 : ahead < SECOND_REACH ? 1 : 2;
    const time = (this.#from + Math.min(ahead, LAST_REACH)) | 0;
    const shift = wheel * BITS;
    this.#link(connection, wheel * SLOTS + (time >> shift & (SLOTS - 1)));
    connection.timerAt = at;
    const begin = time >> shift << shift;
    if (!this.#timer.armed || ((begin - this.#next) | 0) < 0) this.#arm(begin);
  }

  /** Looks at a connection no more. */
  unset(connection: Connection): void {
    const { timerSlot, timerNext, timerPrevious } = connection;
    if (timerSlot < 0) return;
    if (timerPrevious !== null) timerPrevious.timerNext = timerNext;
    else {
      this.#slots[timerSlot] = timerNext;
      if (timerNext === null) this.#occupied[timerSlot >> 5]! &= ~(1 << timerSlot);
    }
    if (timerNext !== null) timerNext.timerPrevious = timerPrevious;
    connection.timerNext = connection.timerPrevious = null;
    connection.timerSlot = -1;
  }

  #link(connection: Connection, slot: number): void {
    const first = this.#slots[slot]!;
    connection.timerSlot = slot;
    connection.timerNext = first;
    if (first !== null) first.timerPrevious = connection;
    this.#slots[slot] = connection;
    this.#occupied[slot >> 5]! |= 1 << slot;
  }

  #arm(at: number): void {
    this.#next = at;
    this.#timers.arm(this.#timer, this.#time.at(at));
  }

  /** Looks at everything that is due. */
  #fire(): void {
    const { ms } = this.#time;
    for (let wheel = 0; wheel < WHEELS; wheel++) this.#collect(wheel, ms);
    this.#from = (ms + 1) | 0;
    // What is looked at may end others that are due, or set them anew.
    for (let one = this.#slots[DUE]!; one !== null; one = this.#slots[DUE]!) {
      this.unset(one);
      this.#expire(one);
    }
    this.#armNext();
  }

  /** Finds what is due on one wheel. */
  #collect(wheel: number, now: number): void {
    const shift = wheel * BITS;
    const first = ((this.#from - 1) >> shift) + 1;
    // Numbers of slots wrap around as milliseconds do, and have fewer bits.
    const count = Math.min((now >> shift) - first + 1 << shift >> shift, SLOTS);
    for (let i = 0; i < count; i++) {
      const slot = wheel * SLOTS + ((first + i) & (SLOTS - 1));
      for (let one = this.#slots[slot]!; one !== null; one = this.#slots[slot]!) {
        this.unset(one);
        this.#link(one, DUE);
      }
    }
  }

  /** Sets the timer for the first slot that has somebody. */
  #armNext(): void {
    let found = false;
    let next = 0;
    for (let wheel = 0; wheel < WHEELS; wheel++) {
      const shift = wheel * BITS;
      const base = this.#from >> shift;
      const distance = this.#distance(wheel, base & (SLOTS - 1));
      if (distance < 0) continue;
      const begin = (base + distance) << shift;
      if (!found || ((begin - next) | 0) < 0) next = begin;
      found = true;
    }
    if (found) this.#arm(next);
  }

  /** How far it is from a slot of a wheel to the first one that has somebody, itself included; -1 if there is none. */
  #distance(wheel: number, slot: number): number {
    for (let i = 0; i <= SLOTS;) {
      const at = (slot + i) & (SLOTS - 1);
      const word = this.#occupied[(wheel * SLOTS + at) >> 5]! >>> (at & 31);
      if (word !== 0) return i + 31 - Math.clz32(word & -word);
      i += 32 - (at & 31);
    }
    return -1;
  }
}
