/**
 * Requests out of a stream of bytes, however it is cut into pieces.
 *
 * @module
 */
import { splitInline } from "./inline.ts";
import { parseInteger } from "./integer.ts";
import { decodeLatin1, encodeLatin1 } from "./latin1.ts";
import { allocate, free } from "./memory.ts";
import { recordLayout } from "./records.ts";
import { CommandRequest } from "./request.ts";

const EMPTY = new Uint8Array(0);
/** The longest line: an inline request, or the header of an argument. */
const MAX_LINE = 64 * 1024;
const MAX_ARGUMENTS = 2 ** 31 - 1;
/** Memory for unfinished requests beyond this is given back when there is none. */
const RETAINED_SIZE = 64 * 1024;
/** An unfinished argument of at least this many bytes gets memory of its own, into which each byte is copied once. */
const LARGE_ARGUMENT = 32 * 1024;
/** Before an argument with memory of its own there is room for a key that is shorter than this. */
const MOST_KEY_ROOM = 4 * 1024;

const CR = 13;
const LF = 10;
const ARRAY = 42;
const BULK = 36;
const ZERO = 48;
/** What the header methods return when the rest of the header, or all of it, is still to come. */
const UNFINISHED = -1;

/**
 * Reads the requests of one client.
 *
 * Give it bytes with {@linkcode RequestReader.supply}, take requests with {@linkcode RequestReader.next} until
 * there is none, then let go of the bytes with {@linkcode RequestReader.retain}. What is
 * left of an unfinished request is copied, and reading goes on where it stopped: no byte is looked at twice.
 */
export class RequestReader {
  /** The request that {@linkcode RequestReader.next} has read. */
  readonly request: CommandRequest = new CommandRequest();
  /** The protocol error that ended the stream, if one did. */
  error: string | undefined;

  #maximumBulk: number;
  #maximumRequest: number;
  /** What is being read: bytes of the caller, or `#kept`. */
  #bytes: Uint8Array = EMPTY;
  #limit = 0;
  #position = 0;
  /** Where the request being read begins. */
  #origin = 0;
  /** The header being read has no end before this. */
  #searched = 0;

  /** How many arguments the request being read should have; 0 between requests. */
  #expected = 0;
  /** The length of the argument being read, or −1 before its header. */
  #bulkLength = UNFINISHED;
  /** The argument with memory of its own that is being read, and is not complete. */
  #filling: Uint8Array<ArrayBuffer> | undefined;
  /** How many bytes of the request being read are in memory of their own. */
  #largeBytes = 0;
  /** How many bytes of the argument being filled have come, with its line end. */
  #filled = 0;
  #kept: Uint8Array<ArrayBuffer> = EMPTY;

  /**
   * @param maximumBulk The longest argument to accept, in bytes.
   * @param maximumRequest The most memory that an unfinished request may take, in bytes.
   */
  constructor(maximumBulk: number, maximumRequest: number) {
    this.#maximumBulk = maximumBulk;
    this.#maximumRequest = maximumRequest;
  }

  /** Whether it holds nothing of its client: another one may have it. */
  get idle(): boolean {
    return this.#limit === 0 && this.#expected === 0 && this.#filling === undefined &&
      this.error === undefined;
  }

  /** Takes more bytes to read; they must not change before {@linkcode RequestReader.retain}. */
  supply(input: Uint8Array): void {
    const start = this.#filling === undefined ? 0 : this.#fill(input, 0, input.length);
    if (this.#limit === 0) {
      this.#bytes = input;
      this.#limit = input.length;
      this.#position = start;
      this.#origin = start;
      this.#searched = start;
    } else if (start < input.length) {
      this.#keep(input, start, input.length);
    }
  }

  /**
   * Reads the next request.
   *
   * @returns Whether there is one. If not, more bytes are needed, or there is an
   * {@linkcode RequestReader.error}.
   * @throws {RangeError} If the request takes more memory than it may.
   * @throws {CommandError} If there is no memory for it.
   */
  next(): boolean {
    while (this.#expected === 0) {
      this.#origin = this.#position;
      this.#largeBytes = 0;
      this.request.clear();
      if (this.#position === this.#limit) return false;
      if (this.#bytes[this.#position] !== ARRAY) {
        if (!this.#readInline()) return false;
        if (this.request.count > 0) return true;
        continue;
      }
      const expected = this.#readHeader("mbulk");
      if (expected === UNFINISHED) return false;
      this.#expected = expected;
    }
    if (!this.#readArguments()) return false;
    this.#expected = 0;
    this.request.source = this.#bytes;
    return true;
  }

  /**
   * Copies what is left of the bytes supplied, which then belong to the caller again.
   *
   * @throws {RangeError} If that is more than a request may take.
   */
  retain(): void {
    const origin = this.#origin;
    this.#checkSize(this.#limit - origin);
    if (origin === this.#limit || this.error !== undefined) {
      this.#limit = 0;
      if (this.#kept.length > RETAINED_SIZE) this.#setKept(EMPTY);
    } else if (this.#bytes !== this.#kept) {
      const bytes = this.#bytes;
      const limit = this.#limit;
      this.#limit = 0;
      this.#keep(bytes, origin, limit);
      this.#rebase(origin);
    } else if (origin > 0) {
      this.#kept.copyWithin(0, origin, this.#limit);
      this.#limit -= origin;
      this.#rebase(origin);
    }
    this.#bytes = this.#kept;
    this.request.release();
  }

  /** Frees all memory. The reader is of no use any more. */
  close(): void {
    if (this.#filling !== undefined) free(this.#filling.buffer);
    this.#filling = undefined;
    this.request.clear();
    this.#setKept(EMPTY);
  }

  /** Reads arguments until the request is complete; returns whether it is. */
  #readArguments(): boolean {
    if (this.#filling !== undefined) return false;
    const { request } = this;
    const expected = this.#expected;
    while (request.count < expected) {
      let length = this.#bulkLength;
      if (length < 0) {
        length = this.#readHeader("bulk");
        if (length === UNFINISHED) return false;
      }
      const start = this.#position;
      // As in Redis, the line end after an argument is skipped unseen.
      const next = start + length + 2;
      if (next > this.#limit) {
        this.#bulkLength = length;
        if (length >= LARGE_ARGUMENT) this.#startFilling(length);
        return false;
      }
      request.add(start, start + length);
      this.#position = next;
      this.#bulkLength = UNFINISHED;
    }
    return true;
  }

  /** Reads a line with a type byte and a length; returns the length, 0 for a negative number of arguments. */
  #readHeader(kind: "mbulk" | "bulk"): number {
    const bytes = this.#bytes;
    const limit = this.#limit;
    const start = this.#position;
    let value = 0;
    let at = start + 1;
    // Almost every header is a few digits and arrives whole: no search, no string.
    for (; at < limit && at < start + 9; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const plain = at > start + 1 && at + 1 < limit && bytes[at] === CR &&
      (bytes[start + 1] !== ZERO || at === start + 2) &&
      bytes[start] === (kind === "bulk" ? BULK : ARRAY) && value <= this.#maximumBulk;
    if (plain) {
      this.#position = at + 2;
      return value;
    }
    return this.#readUnusualHeader(kind);
  }

  #readUnusualHeader(kind: "mbulk" | "bulk"): number {
    const start = this.#position;
    const end = this.#findLineEnd(CR, `too big ${kind} count string`);
    // The byte after the CR is taken for the LF, but it must be there.
    if (end === UNFINISHED || end + 1 === this.#limit) return UNFINISHED;
    if (kind === "bulk" && this.#bytes[start] !== BULK) {
      return this.#fail(`expected '$', got '${String.fromCharCode(this.#bytes[start]!)}'`);
    }
    const length = parseInteger(decodeLatin1(this.#bytes, start + 1, end));
    const valid = length !== undefined &&
      (kind === "bulk" ? length >= 0 && length <= this.#maximumBulk : length <= MAX_ARGUMENTS);
    if (!valid) {
      return this.#fail(kind === "bulk" ? "invalid bulk length" : "invalid multibulk length");
    }
    this.#position = end + 2;
    return Math.max(0, Number(length));
  }

  /** Reads an inline request; returns whether there was a line. */
  #readInline(): boolean {
    const start = this.#position;
    const end = this.#findLineEnd(LF, "too big inline request");
    if (end === UNFINISHED) return false;
    this.#position = end + 1;
    const lineEnd = end > start && this.#bytes[end - 1] === CR ? end - 1 : end;
    const words = splitInline(decodeLatin1(this.#bytes, start, lineEnd));
    if (words === undefined) {
      this.#fail("unbalanced quotes in request");
      return false;
    }
    const source = new Uint8Array(lineEnd - start);
    let at = 0;
    for (const word of words) {
      const start = at;
      at = encodeLatin1(word, source, start);
      this.request.add(start, at);
    }
    this.request.source = source;
    return true;
  }

  /** Searches for the end of the line at the current position, not again where it was searched before. */
  #findLineEnd(byte: number, tooLong: string): number {
    const start = this.#position;
    const limit = Math.min(this.#limit, start + MAX_LINE + 1);
    let at = Math.max(start, this.#searched);
    while (at < limit && this.#bytes[at] !== byte) at++;
    this.#searched = at;
    if (at < limit) return at;
    return at - start > MAX_LINE ? this.#fail(tooLong) : UNFINISHED;
  }

  #fail(message: string): typeof UNFINISHED {
    this.error = `ERR Protocol error: ${message}`;
    return UNFINISHED;
  }

  /** Makes memory for an argument of `length` bytes, and fills it with what has come. */
  #startFilling(length: number): void {
    const start = this.#position;
    this.#largeBytes += length;
    this.#checkSize(start - this.#origin);
    // It may be the value of a key, and become a record with the memory that it is in.
    const { lastLength } = this.request;
    const { size, offset } = recordLayout(lastLength < MOST_KEY_ROOM ? lastLength : 0, length);
    this.#filling = new Uint8Array(allocate(size), offset, length);
    this.#filled = 0;
    this.#fill(this.#bytes, start, this.#limit);
    this.#limit = start;
  }

  /** Adds bytes to the argument being filled; returns the index after those that belonged to it. */
  #fill(input: Uint8Array, start: number, end: number): number {
    const argument = this.#filling!;
    const body = Math.min(argument.length - this.#filled, end - start);
    if (body > 0) argument.set(input.subarray(start, start + body), this.#filled);
    const taken = Math.min(argument.length + 2 - this.#filled, end - start);
    this.#filled += taken;
    if (this.#filled === argument.length + 2) {
      this.request.addLarge(argument);
      this.#filling = undefined;
      this.#bulkLength = UNFINISHED;
    }
    return start + taken;
  }

  /** Appends bytes to `#kept`. */
  #keep(input: Uint8Array, start: number, end: number): void {
    const length = this.#limit + end - start;
    if (length > this.#kept.length) {
      const grown = new Uint8Array(allocate(Math.max(length, this.#kept.length * 2)));
      grown.set(this.#kept.subarray(0, this.#limit));
      this.#setKept(grown);
    }
    this.#kept.set(input.subarray(start, end), this.#limit);
    this.#bytes = this.#kept;
    this.#limit = length;
  }

  /** Frees `#kept`, and lets it be another array. */
  #setKept(kept: Uint8Array<ArrayBuffer>): void {
    if (this.#kept !== EMPTY) free(this.#kept.buffer);
    this.#kept = kept;
  }

  /** Throws if the request being read takes too much memory, `kept` bytes of which are not its own. */
  #checkSize(kept: number): void {
    const size = kept + this.#largeBytes + this.request.placesSize;
    if (size > this.#maximumRequest) {
      throw new RangeError(
        `Cannot read request: it takes ${size} bytes, the limit is ${this.#maximumRequest}`,
      );
    }
  }

  /** Subtracts `origin` from every place in the bytes. */
  #rebase(origin: number): void {
    this.#origin = 0;
    this.#position -= origin;
    this.#searched -= origin;
    this.request.shift(origin);
  }
}
