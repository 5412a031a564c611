/**
 * One request: its arguments, still as the bytes that came.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import { type Integer, parseInteger } from "./integer.ts";
import { decodeLatin1 } from "./latin1.ts";
import { allocate, free } from "./memory.ts";
import { Span } from "./span.ts";

const EMPTY = new Uint8Array(0);
/** How many arguments there is room for at first. */
const INITIAL_ROOM = 16;
/** Room for more than this is given back between requests. */
const RETAINED_ROOM = 1024;

/**
 * The arguments of a request, with the name of the command as the first.
 *
 * They are only places in the bytes that were read: a command makes of each what it needs, while it runs.
 */
export class CommandRequest {
  /** How many arguments there are, with the name of the command. */
  count = 0;
  /** The bytes that {@linkcode CommandRequest.start} and {@linkcode CommandRequest.end} are places in. */
  source: Uint8Array = EMPTY;

  /** Where each argument is in `source`; a large one has the complement of its index in `#large`. */
  #starts: Int32Array<ArrayBuffer> = new Int32Array(INITIAL_ROOM);
  #ends: Int32Array<ArrayBuffer> = new Int32Array(INITIAL_ROOM);
  /** Arguments that have memory of their own. */
  #large: Span[] = [];
  readonly #key = new Span();
  readonly #value = new Span();

  /** How many bytes the places of the arguments take: as many as the arguments, where these are small. */
  get placesSize(): number {
    return this.#starts.byteLength + this.#ends.byteLength;
  }

  /** Where the argument at `index` starts in `source`. A large one is an empty place nowhere. */
  start(index: number): number {
    return this.#starts[index]!;
  }

  /** Where the argument at `index` ends in `source`. */
  end(index: number): number {
    return this.#ends[index]!;
  }

  /**
   * The argument at `index` as a latin1 string.
   *
   * @throws {CommandError} If it is longer than a string can be, which is 24 bytes less than 512 MiB.
   */
  text(index: number): string {
    return this.value(index).text();
  }

  /** The first bytes of the argument at `index`, at most `length`, as a latin1 string. */
  head(index: number, length: number): string {
    const { bytes, start, end } = this.value(index);
    return decodeLatin1(bytes, start, Math.min(end, start + length));
  }

  /** The argument at `index` in lower case, to compare with the words of an option. */
  word(index: number): string {
    return this.text(index).toLowerCase();
  }

  /** The argument at `index` as a key, in a span that is good until the next call. */
  key(index: number): Span {
    return this.#place(index, this.#key);
  }

  /** The argument at `index` as a value, in a span that is good until the next call. */
  value(index: number): Span {
    return this.#place(index, this.#value);
  }

  /**
   * The argument at `index` as an integer.
   *
   * @throws {CommandError} If it is none, or does not fit 64 bits.
   */
  integer(index: number): Integer {
    const value = parseInteger(this.text(index));
    if (value === undefined) throw new CommandError("ERR value is not an integer or out of range");
    return value;
  }

  /** Adds an argument: the bytes of `source` from `start` to `end`. */
  add(start: number, end: number): void {
    if (this.count === this.#starts.length) {
      this.#starts = doubled(this.#starts);
      this.#ends = doubled(this.#ends);
    }
    this.#starts[this.count] = start;
    this.#ends[this.count++] = end;
  }

  /** Adds an argument with memory of its own: whoever wants it may take it. */
  addLarge(argument: Uint8Array<ArrayBuffer>): void {
    const span = new Span().set(argument, 0, argument.length);
    span.movable = true;
    const place = ~(this.#large.push(span) - 1);
    this.add(place, place);
  }

  /** How long the last argument is; 0 if there is none. */
  get lastLength(): number {
    return this.count === 0 ? 0 : this.value(this.count - 1).length;
  }

  /** Moves every place down by `distance`, as the bytes have been. */
  shift(distance: number): void {
    for (let i = 0; i < this.count; i++) {
      if (this.#starts[i]! < 0) continue;
      this.#starts[i]! -= distance;
      this.#ends[i]! -= distance;
    }
  }

  /** Forgets all arguments, and frees their memory. */
  clear(): void {
    this.count = 0;
    if (this.#large.length > 0) {
      for (const { bytes, movable } of this.#large) if (movable) free(bytes.buffer as ArrayBuffer);
      this.#large = [];
    }
    if (this.#starts.length > RETAINED_ROOM) {
      free(this.#starts.buffer);
      free(this.#ends.buffer);
      this.#starts = new Int32Array(INITIAL_ROOM);
      this.#ends = new Int32Array(INITIAL_ROOM);
    }
  }

  /** Lets go of the bytes, which are no longer ours. */
  release(): void {
    this.source = EMPTY;
  }

  #place(index: number, span: Span): Span {
    const start = this.#starts[index]!;
    if (start >= 0) return span.set(this.source, start, this.#ends[index]!);
    return this.#large[~start]!;
  }
}

function doubled(places: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const more = new Int32Array(allocate(places.byteLength * 2));
  more.set(places);
  free(places.buffer);
  return more;
}
