/**
 * Replies in RESP2 and RESP3, written straight into one buffer.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import type { Integer } from "./integer.ts";
import { encodeLatin1 } from "./latin1.ts";
import { ReplyTail } from "./reply_tail.ts";
import { copy, Span } from "./span.ts";

/** What a batch of replies has at first. */
const INITIAL_SIZE = 16 * 1024;
const NOTHING = new Uint8Array(0);
/**
 * No further request is run while this many bytes of replies have not been sent: enough for thousands of small replies
 * in one push, and few for a client that does not read them.
 */
const BATCH = 128 * 1024;
/** No reply that is not made of what is stored comes near this. */
const MAX_SIZE = 2 ** 30;

/**
 * Gives memory for replies.
 *
 * @param size How many bytes at least.
 * @param old What it gave before, and is wanted no more.
 * @param length How many bytes of that the memory is to begin with.
 */
export type ReplyMemory = (
  size: number,
  old: Uint8Array,
  length: number,
) => Uint8Array<ArrayBuffer>;

/** The longest header: a type byte, 20 digits, CR LF. */
const HEADER_SIZE = 23;
const CR = 13;
const LF = 10;
const ZERO = 48;
const INTEGER = 58;
const BULK = 36;
const ARRAY = 42;
const MAP = 37;
const SET = 126;
const VERBATIM = 61;

/**
 * The replies of one client that have not been sent yet: the bytes `[0, length)` of `bytes`.
 *
 * `bytes` is another array after it had to grow: read the property again after every feed.
 */
export class ReplyBuffer {
  /** The memory that the replies are in; what is beyond `length` means nothing. */
  bytes: Uint8Array<ArrayBuffer> = NOTHING;
  /** How many bytes of replies there are. */
  length = 0;
  /** The version of RESP that the client asked for. */
  protocol: 2 | 3 = 2;

  readonly #memory: ReplyMemory;
  /** What comes after these bytes, if there is more than one batch of it. */
  #tail: ReplyTail | null = null;
  /** The string of the tail that is being written, without what was. */
  readonly #rest = new Span();
  #writing = false;

  /** @param memory Gives the memory to write into; the default is an array of its own for each batch. */
  constructor(memory: ReplyMemory = grow) {
    this.#memory = memory;
  }

  /** Forgets the replies and their memory, which the caller has sent, or sends. */
  reset(): void {
    this.length = 0;
    this.bytes = NOTHING;
  }

  /** Takes back all but the first `length` bytes, and what would come after them. */
  rewind(length: number): void {
    this.length = length;
    this.#tail?.close();
    this.#tail = null;
    this.#writing = false;
  }

  /** Whether these replies are to be sent before there are more: those to further requests, or the rest of the last. */
  get full(): boolean {
    if (this.#tail !== null) this.#writeTail(this.#tail);
    return this.length >= BATCH || this.#tail !== null;
  }

  /** The reply `OK`. */
  ok(): void {
    const at = this.#reserve(5);
    const bytes = this.bytes;
    bytes[at] = 43;
    bytes[at + 1] = 79;
    bytes[at + 2] = 75;
    bytes[at + 3] = CR;
    bytes[at + 4] = LF;
    this.length = at + 5;
  }

  /**
   * A simple string.
   *
   * @param text One line of latin1.
   */
  simple(text: string): void {
    this.#line("+" + text);
  }

  /**
   * An error. Line breaks in it become spaces, because a client may have put them there.
   *
   * @param text The code and the message, as `ERR syntax error`.
   */
  error(text: string): void {
    this.#line("-" + text.replace(/^[\r\n]+|[\r\n]+$/g, "").replace(/[\r\n]/g, " "));
  }

  /** An integer. */
  integer(value: Integer): void {
    if (typeof value === "number" && value >= 0 && value <= 0x7fffffff) {
      this.#header(INTEGER, value);
    } else this.#line(":" + value);
  }

  /** A bulk string. */
  value(value: Span): void {
    this.#reserve(HEADER_SIZE + value.length + 2);
    this.#header(BULK, value.length);
    this.length = value.copyTo(this.bytes, this.length);
    this.#lineEnd();
  }

  /**
   * A bulk string whose memory is not written to while it is held, and not freed. It is copied when there is room for
   * it, so that no reply takes more than one batch, however long it is.
   */
  stored(value: Span): void {
    if (this.#hasRoom(value.length + 2)) this.value(value);
    else (this.#tail ??= new ReplyTail()).add(value);
  }

  /** A bulk string from one of latin1. */
  bulk(text: string): void {
    this.#reserve(HEADER_SIZE + text.length + 2);
    this.#header(BULK, text.length);
    this.#line(text);
  }

  /** The absence of a value: the null bulk string, or the null of RESP3. */
  null(): void {
    if (this.#hasRoom(0)) this.#null();
    else (this.#tail ??= new ReplyTail()).add(null);
  }

  /** The head of an array: `count` replies follow. */
  array(count: number): void {
    this.#header(ARRAY, count);
  }

  /** The head of a map: `count` pairs of replies follow. In RESP2 it is an array. */
  map(count: number): void {
    if (this.protocol === 2) this.#header(ARRAY, count * 2);
    else this.#header(MAP, count);
  }

  /** The head of a set: `count` replies follow. In RESP2 it is an array. */
  set(count: number): void {
    this.#header(this.protocol === 2 ? ARRAY : SET, count);
  }

  /** Text for people to read. In RESP2 it is a bulk string. */
  verbatim(text: string): void {
    if (this.protocol === 2) return this.bulk(text);
    this.#reserve(HEADER_SIZE + text.length + 6);
    this.#header(VERBATIM, text.length + 4);
    this.#line("txt:" + text);
  }

  /** Whether a header and `size` bytes more come next, and are within the batch. */
  #hasRoom(size: number): boolean {
    return this.#tail === null && this.length + HEADER_SIZE + size <= BATCH;
  }

  #null(): void {
    this.#line(this.protocol === 2 ? "$-1" : "_");
  }

  /** Writes as much of the tail as there is room for. */
  #writeTail(tail: ReplyTail): void {
    const rest = this.#rest;
    while (this.#writing || !tail.empty) {
      if (this.length + HEADER_SIZE > BATCH) return;
      this.#reserve(BATCH - this.length);
      if (this.#writing) {
        const start = rest.start;
        rest.start = Math.min(rest.end, start + BATCH - this.length - 2);
        this.length = copy(rest.bytes, start, rest.start, this.bytes, this.length);
        if (rest.length > 0) return;
        this.#lineEnd();
        this.#writing = false;
      } else if (tail.shift(rest)) {
        this.#header(BULK, rest.length);
        this.#writing = true;
      } else {
        this.#null();
      }
    }
    tail.close();
    this.#tail = null;
  }

  /** A line of its own: `text`, CR LF. */
  #line(text: string): void {
    const at = this.#reserve(text.length + 2);
    this.length = encodeLatin1(text, this.bytes, at);
    this.#lineEnd();
  }

  /** A type byte and a number that is not negative and fits 31 bits. */
  #header(type: number, value: number): void {
    let at = this.#reserve(HEADER_SIZE);
    const bytes = this.bytes;
    bytes[at++] = type;
    let digits = 1;
    for (let rest = value; rest >= 10; rest = (rest / 10) | 0) digits++;
    at += digits;
    let rest = value;
    for (let i = 1; i <= digits; i++) {
      const shorter = (rest / 10) | 0;
      bytes[at - i] = ZERO + rest - shorter * 10;
      rest = shorter;
    }
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.length = at + 2;
  }

  #lineEnd(): void {
    this.bytes[this.length] = CR;
    this.bytes[this.length + 1] = LF;
    this.length += 2;
  }

  /** Makes room for `size` more bytes; returns where they go. */
  #reserve(size: number): number {
    if (this.length + size > this.bytes.length) this.#grow(this.length + size);
    return this.length;
  }

  #grow(size: number): void {
    if (size > MAX_SIZE) {
      throw new CommandError(
        `OOM command not allowed: the reply takes more than ${MAX_SIZE} bytes`,
      );
    }
    const room = Math.max(size, INITIAL_SIZE, this.bytes.length * 2);
    try {
      this.bytes = this.#memory(room, this.bytes, this.length);
    } catch (cause) {
      throw new CommandError("OOM command not allowed: no memory for the reply", { cause });
    }
  }
}

function grow(size: number, old: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(size);
  grown.set(old.subarray(0, length));
  return grown;
}
