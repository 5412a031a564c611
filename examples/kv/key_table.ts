/**
 * The table that finds the record of a key.
 *
 * @module
 */
import { allocate, free } from "./memory.ts";
import { NOWHERE, type Records } from "./records.ts";
import type { Span } from "./span.ts";

/** Slots of an empty table. */
const SMALLEST = 16;
/** A table grows when there are fewer slots than this for each record, and shrinks when there are more than that. */
const LEAST = 4 / 3;
const MOST = 16;

/**
 * An open-addressing hash table, with the hash and the place of a record in each slot.
 *
 * A search looks at neighbouring slots, and at no record but the right one: the hash tells.
 */
export class KeyTable {
  readonly #records: Records;
  /** Pairs: a hash, and the place of a record or {@linkcode NOWHERE}. */
  #slots: Int32Array<ArrayBuffer> = new Int32Array(2 * SMALLEST);
  #size = 0;

  /** @param records Where the keys are. */
  constructor(records: Records) {
    this.#records = records;
  }

  /** How many records there are. */
  get size(): number {
    return this.#size;
  }

  /** The record of a key with this hash, or {@linkcode NOWHERE}. */
  find(key: Span, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let i = (hash << 1) & mask;; i = (i + 2) & mask) {
      const place = slots[i + 1]!;
      if (place === NOWHERE) return NOWHERE;
      if (slots[i] === hash && this.#records.hasKey(place, key)) return place;
    }
  }

  /**
   * Makes room for one more.
   *
   * @throws {CommandError} If there is no memory for it; nothing has changed then.
   */
  reserve(): void {
    if ((this.#size + 1) * LEAST > this.#slots.length / 2) this.#resize(this.#slots.length * 2);
  }

  /** Adds the record of a key that is not there yet, for which there must be room. */
  add(place: number, hash: number): void {
    this.#size++;
    this.#insert(place, hash);
  }

  /** A record has another place. */
  moved(from: number, to: number, hash: number): void {
    this.#slots[this.#slotOf(from, hash) + 1] = to;
  }

  /** Takes a record out; it must be in. */
  delete(place: number, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOf(place, hash);
    // What comes after it moves up, unless it is before where it belongs then: no search meets a hole.
    for (let i = (hole + 2) & mask; slots[i + 1] !== NOWHERE; i = (i + 2) & mask) {
      const distance = (i - (slots[i]! << 1)) & mask;
      if (distance < ((i - hole) & mask)) continue;
      slots[hole] = slots[i]!;
      slots[hole + 1] = slots[i + 1]!;
      hole = i;
    }
    slots[hole + 1] = NOWHERE;
    const count = slots.length / 2;
    if (--this.#size * MOST < count && count > SMALLEST) this.#resize(slots.length / 2);
  }

  /** Frees its memory. No record is in it any more. */
  clear(): void {
    free(this.#slots.buffer);
    this.#slots = new Int32Array(2 * SMALLEST);
    this.#size = 0;
  }

  #slotOf(place: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let i = (hash << 1) & mask;
    while (slots[i + 1] !== place) i = (i + 2) & mask;
    return i;
  }

  #insert(place: number, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let i = (hash << 1) & mask;
    while (slots[i + 1] !== NOWHERE) i = (i + 2) & mask;
    slots[i] = hash;
    slots[i + 1] = place;
  }

  #resize(length: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(allocate(length * Int32Array.BYTES_PER_ELEMENT));
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== NOWHERE) this.#insert(old[i + 1]!, old[i]!);
    }
    free(old.buffer);
  }
}
