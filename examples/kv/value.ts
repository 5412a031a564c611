/**
 * What a key holds, and the arithmetic of binary strings.
 *
 * @module
 */
import { decodeLatin1, encodeLatin1 } from "./latin1.ts";

/** A binary string: up to {@linkcode TEXT_LIMIT} bytes as a latin1 string, beyond that as bytes. */
export type Value = string | Uint8Array;

/**
 * The longest value kept as a string.
 *
 * Making a typed array costs up to a microsecond whatever its size, so small values stay strings; but a
 * string is copied out more slowly if it is not ASCII, so large ones do not.
 */
export const TEXT_LIMIT = 1024;

/**
 * A copy of the bytes from `start` to `end` as a value.
 *
 * @param bytes The bytes to copy from.
 * @param start Index of the first byte.
 * @param end Index after the last byte.
 */
export function makeValue(bytes: Uint8Array, start: number, end: number): Value {
  return end - start <= TEXT_LIMIT ? decodeLatin1(bytes, start, end) : bytes.slice(start, end);
}

/** What the engine holds on its heap for an array whose bytes are elsewhere. */
const ARRAY_COST = 200;

/** About how much of the heap of the engine, which is limited, a value takes, in bytes. */
export function heapSize(value: Value): number {
  return typeof value === "string" ? value.length : ARRAY_COST;
}

/** The value as a latin1 string, whatever its form. */
export function valueText(value: Value): string {
  return typeof value === "string" ? value : decodeLatin1(value, 0, value.length);
}

/**
 * The value that is `head` followed by `tail`.
 *
 * Appending again and again takes time in proportion to what is appended: a large value is given room to
 * grow, and the next append writes into it. `head` must not be used afterwards.
 *
 * @param head The value that grows.
 * @param tail What is added at its end.
 */
export function appendValue(head: Value, tail: Value): Value {
  const length = head.length + tail.length;
  if (typeof head === "string" && typeof tail === "string" && length <= TEXT_LIMIT) {
    return head + tail;
  }
  let grown: Uint8Array;
  if (typeof head !== "string" && head.byteOffset + length <= head.buffer.byteLength) {
    grown = new Uint8Array(head.buffer, head.byteOffset, length);
  } else {
    grown = new Uint8Array(new ArrayBuffer(length * 2), 0, length);
    write(head, grown, 0);
  }
  write(tail, grown, head.length);
  return grown;
}

/** Copies the bytes of `value` into `bytes` at index `at`. */
function write(value: Value, bytes: Uint8Array, at: number): void {
  if (typeof value === "string") encodeLatin1(value, bytes, at);
  else bytes.set(value, at);
}
