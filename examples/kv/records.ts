/**
 * Records: the bytes of a key and its value, and the few numbers that belong to them.
 *
 * They are bytes in large arrays, not objects: to read or to overwrite one allocates nothing, and the garbage
 * collector neither visits nor moves them, however many there are.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import { allocate, free, isHeld } from "./memory.ts";
import { copy, type Span } from "./span.ts";

/** Where no record is. */
export const NOWHERE = 0;

/** The numbers of a record, by their index among its words. */
export const Field = {
  /** How many units it takes. */
  UNITS: 0,
  /** Its place in the order of the scan; −1 once it is free. */
  ORDER: 1,
  /** The hash of its key. */
  HASH: 2,
  /** Its place in the queue of those that expire; −1 if it does not. */
  EXPIRY: 3,
  /** How many bytes its key has. */
  KEY_LENGTH: 4,
  /** How many bytes its value has. */
  VALUE_LENGTH: 5,
} as const;

const HEADER_SIZE = 24;
/** Records begin at multiples of 16 bytes, which a place counts: so 31 bits are enough for 32 GiB. */
const UNIT = 16;
/** The largest segment, in units: 256 KiB. To clean one takes a tenth of a millisecond. */
const SEGMENT_BITS = 14;
const SEGMENT_UNITS = 1 << SEGMENT_BITS;
const OFFSET_MASK = SEGMENT_UNITS - 1;
const FIRST_SEGMENT_UNITS = 256;
/** A record of more units has a segment to itself. */
const LARGE_UNITS = SEGMENT_UNITS >> 2;
const MAX_SEGMENTS = 2 ** (31 - SEGMENT_BITS);
/** So many of the largest segments are kept when they are free: where values change, there soon is a need for them. */
const MOST_SPARES = 4;

const FREE = -1;
/** The segment that is none. */
const NONE = 0;

/**
 * A log of records, in segments.
 *
 * New records go to the end of the newest segment. Of a segment whose records are mostly free, those that are not are
 * moved to that end, and it is let go of: so what is free is never much more than what is not, whatever the sizes
 * of the records are, and its memory can be had again for any other size.
 *
 * A record is known by its place, which is a number and never {@linkcode NOWHERE}. A place is good until the next
 * {@linkcode Records.free}: that may move other records.
 */
export class Records {
  /** The memory of each segment; nothing where there is none, and in the first, so that no place is 0. */
  #bytes: Uint8Array<ArrayBuffer>[] = [new Uint8Array(0)];
  /** The same memory as words. */
  #words: Int32Array<ArrayBuffer>[] = [new Int32Array(0)];
  /** Units of each segment that are in use, or were. */
  #ends: number[] = [0];
  /** Units of each segment that are in use. */
  #live: number[] = [0];
  /** Segments that there are no more. */
  #vacant: number[] = [];
  /** The segment that new records go to. */
  #head = NONE;
  /** A segment that was the head, and could not be cleaned before the next record is freed. */
  #sparse = NONE;
  /** Units of all segments. */
  #total = 0;
  /** Memory for the next segments. */
  readonly #spares: ArrayBuffer[] = [];
  readonly #moved: (from: number, to: number) => void;
  readonly #lingering: ((size: number) => void) | undefined;

  /**
   * @param moved Called when a record has another place.
   * @param lingering Called with the size of memory that was let go of, but stays as long as replies need it; and
   * with minus that when it goes.
   */
  constructor(
    moved: (from: number, to: number) => void,
    lingering?: (size: number) => void,
  ) {
    this.#moved = moved;
    this.#lingering = lingering;
  }

  /** How much memory there is for records, used or not, in bytes. */
  get capacity(): number {
    return this.#total * UNIT;
  }

  /** One of the numbers of a record; a {@linkcode Field} says which. */
  get(place: number, field: number): number {
    return this.#words[place >>> SEGMENT_BITS]![((place & OFFSET_MASK) << 2) + field]!;
  }

  /** Changes one of the numbers of a record. */
  set(place: number, field: number, value: number): void {
    this.#words[place >>> SEGMENT_BITS]![((place & OFFSET_MASK) << 2) + field] = value;
  }

  /** How many bytes a record takes. */
  size(place: number): number {
    return this.get(place, Field.UNITS) * UNIT;
  }

  /** Lets a span be the key of a record, and returns it. */
  key(place: number, span: Span): Span {
    const start = this.#start(place);
    return span.set(this.#memory(place), start, start + this.get(place, Field.KEY_LENGTH));
  }

  /** Lets a span be the value of a record, and returns it. */
  value(place: number, span: Span): Span {
    const start = this.#start(place) + this.get(place, Field.KEY_LENGTH);
    return span.set(this.#memory(place), start, start + this.get(place, Field.VALUE_LENGTH));
  }

  /** Whether a record has this key. */
  hasKey(place: number, { bytes, start, end }: Span): boolean {
    const length = end - start;
    if (this.get(place, Field.KEY_LENGTH) !== length) return false;
    const memory = this.#memory(place);
    const own = this.#start(place);
    for (let i = 0; i < length; i++) if (memory[own + i] !== bytes[start + i]) return false;
    return true;
  }

  /**
   * Makes a record, whose value has its length but no bytes yet, and which neither expires nor is in any order.
   *
   * @param key The key.
   * @param hash The hash of it.
   * @param length How long the value is.
   * @param room How long a value there is room for.
   * @returns Its place.
   * @throws {CommandError} If there is no memory for it.
   */
  make(key: Span, hash: number, length: number, room: number): number {
    const units = unitsFor(key.length + room);
    const place = this.#take(units);
    this.#describe(place, units, key, hash, length);
    return place;
  }

  /** Makes a record of a copy of the value, as {@linkcode Records.make}. */
  copy(key: Span, hash: number, value: Span): number {
    const place = this.make(key, hash, value.length, value.length);
    this.write(place, 0, value);
    return place;
  }

  /**
   * Makes a record of a value with the memory that it is in, which is the record's from now on.
   *
   * @param key The key.
   * @param hash The hash of it.
   * @param value The value; it is empty afterwards.
   * @returns Its place, or {@linkcode NOWHERE} if a record would have another layout: the value is to be copied then.
   * @throws {CommandError} If there are too many segments.
   */
  adopt(key: Span, hash: number, value: Span): number {
    const { bytes, length } = value;
    const units = unitsFor(key.length + length);
    if (
      units <= LARGE_UNITS || bytes.byteOffset !== HEADER_SIZE + key.length ||
      bytes.buffer.byteLength !== units * UNIT
    ) return NOWHERE;
    const segment = this.#nextSegment();
    this.#addSegment(segment, value.take());
    const place = this.#put(segment, units);
    this.#describe(place, units, key, hash, length);
    return place;
  }

  /** Whether a value of this length fits into a record, and not so loosely that another should be made. */
  fits(place: number, length: number): boolean {
    const units = unitsFor(this.get(place, Field.KEY_LENGTH) + length);
    const own = this.get(place, Field.UNITS);
    return units <= own && units >= own >> 1;
  }

  /** Whether replies still need the value of a record, or of its neighbours: it must not be overwritten then. */
  isHeld(place: number): boolean {
    return isHeld(this.#memory(place).buffer);
  }

  /** Overwrites the value of a record from byte `offset` on; it ends after these bytes, for which there is room. */
  write(place: number, offset: number, value: Span): void {
    const start = this.#start(place) + this.get(place, Field.KEY_LENGTH) + offset;
    value.copyTo(this.#memory(place), start);
    this.set(place, Field.VALUE_LENGTH, offset + value.length);
  }

  /** Frees a record. Others may be moved. */
  free(place: number): void {
    const segment = place >>> SEGMENT_BITS;
    const sparse = this.#sparse;
    this.#sparse = NONE;
    this.set(place, Field.ORDER, FREE);
    this.#live[segment]! -= this.get(place, Field.UNITS);
    this.#tidy(segment);
    this.#tidy(sparse);
  }

  /** Frees all memory. No record is left. */
  clear(): void {
    for (let segment = NONE + 1; segment < this.#bytes.length; segment++) {
      if (this.#bytes[segment] !== this.#bytes[NONE]) this.#drop(segment);
    }
    for (const memory of this.#spares.splice(0)) free(memory);
    this.#head = NONE;
    this.#sparse = NONE;
  }

  #describe(place: number, units: number, key: Span, hash: number, length: number): void {
    this.set(place, Field.UNITS, units);
    this.set(place, Field.HASH, hash);
    this.set(place, Field.EXPIRY, -1);
    this.set(place, Field.KEY_LENGTH, key.length);
    this.set(place, Field.VALUE_LENGTH, length);
    key.copyTo(this.#memory(place), this.#start(place));
  }

  #memory(place: number): Uint8Array<ArrayBuffer> {
    return this.#bytes[place >>> SEGMENT_BITS]!;
  }

  /** Where the key of a record begins in its memory. */
  #start(place: number): number {
    return (place & OFFSET_MASK) * UNIT + HEADER_SIZE;
  }

  #take(units: number): number {
    let segment = this.#head;
    if (units > LARGE_UNITS) {
      segment = this.#makeSegment(units);
    } else if ((this.#ends[segment]! + units) * UNIT > this.#bytes[segment]!.length) {
      // As large as all before it together, so that a few keys do not take much.
      const size = Math.max(FIRST_SEGMENT_UNITS, units, this.#total);
      this.#head = this.#makeSegment(Math.min(size, SEGMENT_UNITS));
      if (this.#isSparse(segment)) this.#sparse = segment;
      segment = this.#head;
    }
    return this.#put(segment, units);
  }

  /** Takes so many units at the end of a segment; returns their place. */
  #put(segment: number, units: number): number {
    const offset = this.#ends[segment]!;
    this.#ends[segment] = offset + units;
    this.#live[segment]! += units;
    return segment * SEGMENT_UNITS + offset;
  }

  #makeSegment(units: number): number {
    const segment = this.#nextSegment();
    const spare = units === SEGMENT_UNITS ? this.#spares.pop() : undefined;
    this.#addSegment(segment, spare ?? allocate(units * UNIT));
    return segment;
  }

  #nextSegment(): number {
    const segment = this.#vacant.at(-1) ?? this.#bytes.length;
    if (segment < MAX_SEGMENTS) return segment;
    throw new CommandError("OOM command not allowed: too many segments");
  }

  /** Gives the next segment its memory. */
  #addSegment(segment: number, memory: ArrayBuffer): void {
    this.#vacant.pop();
    this.#bytes[segment] = new Uint8Array(memory);
    this.#words[segment] = new Int32Array(memory);
    this.#ends[segment] = 0;
    this.#live[segment] = 0;
    this.#total += memory.byteLength / UNIT;
  }

  #isSparse(segment: number): boolean {
    return this.#live[segment]! < this.#ends[segment]! >> 1;
  }

  #tidy(segment: number): void {
    if (segment === this.#head || !this.#isSparse(segment)) return;
    try {
      this.#clean(segment);
    } catch (error) {
      // No memory to move into: what was moved is, and the rest will be when the next of it is freed.
      if (!(error instanceof CommandError)) throw error;
    }
  }

  /** Moves what is in use of a segment to the end of the log, and lets go of it. */
  #clean(segment: number): void {
    const bytes = this.#bytes[segment]!;
    const first = segment * SEGMENT_UNITS;
    const end = first + this.#ends[segment]!;
    for (let place = first, units; place < end && this.#live[segment]! > 0; place += units) {
      units = this.get(place, Field.UNITS);
      if (this.get(place, Field.ORDER) === FREE) continue;
      const target = this.#take(units);
      const start = (place & OFFSET_MASK) * UNIT;
      const at = (target & OFFSET_MASK) * UNIT;
      copy(bytes, start, start + units * UNIT, this.#memory(target), at);
      this.#moved(place, target);
      this.set(place, Field.ORDER, FREE);
      this.#live[segment]! -= units;
    }
    this.#drop(segment);
  }

  /** Lets go of a segment. */
  #drop(segment: number): void {
    const { buffer, length } = this.#bytes[segment]!;
    this.#total -= length / UNIT;
    this.#ends[segment] = 0;
    this.#live[segment] = 0;
    this.#bytes[segment] = this.#bytes[NONE]!;
    this.#words[segment] = this.#words[NONE]!;
    this.#vacant.push(segment);
    if (
      length === SEGMENT_UNITS * UNIT && this.#spares.length < MOST_SPARES && !isHeld(buffer)
    ) this.#spares.push(buffer);
    else free(buffer, this.#lingering);
  }
}

/** The layout of memory that a value may be read into, to become a record without a copy. */
export interface RecordLayout {
  /** How large the memory is. */
  size: number;
  /** Where the value is in it. */
  offset: number;
}

/**
 * The layout of the record that a value may become.
 *
 * @param keyLength How long its key is.
 * @param length How long the value is.
 */
export function recordLayout(keyLength: number, length: number): RecordLayout {
  return { size: unitsFor(keyLength + length) * UNIT, offset: HEADER_SIZE + keyLength };
}

function unitsFor(length: number): number {
  return Math.ceil((HEADER_SIZE + length) / UNIT);
}
