/**
 * Places in bytes: keys and values as they are passed around, without a copy or an object for each.
 *
 * @module
 */

import { constants } from "node:buffer";
import { CommandError } from "./errors.ts";
import { decodeLatin1, encodeLatin1 } from "./latin1.ts";

const LONGEST_STRING = constants.MAX_STRING_LENGTH;
/** Up to here a loop over the bytes beats a native copy, which needs a view of its own. */
const LOOP_LIMIT = 256;

const NOTHING = new Uint8Array(0);

/**
 * The bytes from `start` to `end` of an array.
 *
 * Whoever gives one uses it again: it is good until he is asked for the next, or the bytes change.
 */
export class Span {
  /** The array. */
  bytes: Uint8Array = NOTHING;
  /** Index of the first byte. */
  start = 0;
  /** Index after the last byte. */
  end = 0;
  /** Whether the bytes are the whole of memory that nobody else needs, and that may be taken over. */
  movable = false;

  /** How many bytes there are. */
  get length(): number {
    return this.end - this.start;
  }

  /** Lets it be another place, and returns it. */
  set(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return this;
  }

  /** Takes over the memory of a movable span, which is empty then. */
  take(): ArrayBuffer {
    const memory = (this.bytes.buffer as ArrayBuffer).transfer();
    this.movable = false;
    this.set(NOTHING, 0, 0);
    return memory;
  }

  /**
   * The bytes as a latin1 string.
   *
   * @throws {CommandError} If there are more than a string can have, which is 24 less than 512 MiB.
   */
  text(): string {
    if (this.length > LONGEST_STRING) {
      throw new CommandError(`ERR Invalid argument: longer than ${LONGEST_STRING} bytes`);
    }
    return decodeLatin1(this.bytes, this.start, this.end);
  }

  /** Copies the bytes into `target` at index `at`, where there must be room; returns the index after them. */
  copyTo(target: Uint8Array, at: number): number {
    return copy(this.bytes, this.start, this.end, target, at);
  }
}

/** A span of the bytes of a latin1 string. */
export function spanOf(text: string): Span {
  const bytes = new Uint8Array(text.length);
  return new Span().set(bytes, 0, encodeLatin1(text, bytes, 0));
}

/**
 * Copies bytes from one array to another.
 *
 * @param source Where they are.
 * @param start Index of the first.
 * @param end Index after the last.
 * @param target Where they go; it must have room.
 * @param at Index of the first there.
 * @returns The index after the last there.
 */
export function copy(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const length = end - start;
  if (length > LOOP_LIMIT) target.set(source.subarray(start, end), at);
  else for (let i = 0; i < length; i++) target[at + i] = source[start + i]!;
  return at + length;
}
