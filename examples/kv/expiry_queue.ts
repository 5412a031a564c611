/**
 * The records of a database that expire, soonest first.
 *
 * @module
 */
import type { Integer } from "./integer.ts";
import { Field, type Records } from "./records.ts";

/** Beyond 2⁵³ a number has gaps, of less than this where it still fits 64 bits. */
const GRAIN_BITS = 11n;
const GRAIN_MASK = 2n ** GRAIN_BITS - 1n;

/**
 * A binary heap ordered by deadline, in which every record knows its place.
 *
 * So the next key to expire is found at once, and a key that gets another deadline or is deleted is found
 * without a search. Deadlines stand in an array of their own, which the engine stores without boxing.
 */
export class ExpiryQueue {
  readonly #records: Records;
  #items: number[] = [];
  #deadlines: number[] = [];
  /** What deadlines beyond 2⁵³ are later than those numbers: nobody lives to see the order of such, but they can be told. */
  #rests: number[] = [];

  /** @param records Where the records are. */
  constructor(records: Records) {
    this.#records = records;
  }

  /** How many records there are. */
  get size(): number {
    return this.#items.length;
  }

  /** The record with the earliest deadline, if there is one. */
  get first(): number | undefined {
    return this.#items[0];
  }

  /** The deadline of a record that is in the queue: exact, or less than 2048 before that. */
  deadline(record: number): number {
    return this.#deadlines[this.#records.get(record, Field.EXPIRY)]!;
  }

  /** The exact deadline of a record that is in the queue. */
  exactDeadline(record: number): Integer {
    const deadline = this.deadline(record);
    if (Number.isSafeInteger(deadline)) return deadline;
    return BigInt(deadline) + BigInt(this.#rests[this.#records.get(record, Field.EXPIRY)]!);
  }

  /** Gives a record a deadline, whether it had one or not. */
  set(record: number, deadline: Integer): void {
    const index = this.#records.get(record, Field.EXPIRY);
    const hole = index < 0 ? this.#items.length : index;
    if (typeof deadline === "number") return this.#settle(record, deadline, 0, hole);
    const rest = deadline & GRAIN_MASK;
    this.#settle(record, Number(deadline - rest), Number(rest), hole);
  }

  /** Takes a record out; it must be in. */
  delete(record: number): void {
    const hole = this.#records.get(record, Field.EXPIRY);
    this.#records.set(record, Field.EXPIRY, -1);
    const last = this.#items.pop()!;
    const deadline = this.#deadlines.pop()!;
    const rest = this.#rests.pop()!;
    if (last !== record) this.#settle(last, deadline, rest, hole);
  }

  /** A record that is in the queue has another place in memory. */
  moved(record: number): void {
    this.#items[this.#records.get(record, Field.EXPIRY)] = record;
  }

  /** Puts a record where it belongs, given that the place `hole` is free to be overwritten. */
  #settle(record: number, deadline: number, rest: number, hole: number): void {
    const deadlines = this.#deadlines;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (deadlines[parent]! <= deadline) break;
      hole = this.#move(parent, hole);
    }
    while (true) {
      let child = hole * 2 + 1;
      if (child >= deadlines.length) break;
      if (child + 1 < deadlines.length && deadlines[child + 1]! < deadlines[child]!) child++;
      if (deadlines[child]! >= deadline) break;
      hole = this.#move(child, hole);
    }
    this.#put(record, deadline, rest, hole);
  }

  /** Moves what is at `from` to `to`; returns the place that is free now. */
  #move(from: number, to: number): number {
    this.#put(this.#items[from]!, this.#deadlines[from]!, this.#rests[from]!, to);
    return from;
  }

  #put(record: number, deadline: number, rest: number, index: number): void {
    this.#items[index] = record;
    this.#deadlines[index] = deadline;
    this.#rests[index] = rest;
    this.#records.set(record, Field.EXPIRY, index);
  }
}
