/**
 * Memory that a datapath works in: one buffer with its typed-array views, made once; and the few functions that move
 * bytes and sum them for Internet checksums (RFC 1071).
 *
 * Sums are of 16-bit words as they lie in memory: one's complement sums do not mind the byte order (RFC 1071, section 2),
 * so a sum that is stored as it was made is right on the wire. All sums are folded to 16 bits.
 *
 * @module
 */

import type { Simd } from "./simd.ts";

/**
 * Bytes from which on SIMD is faster: a call of WebAssembly costs what JavaScript needs for as many.
 */
const WORTHWHILE = 48;

/** One buffer, and its views. */
export class Memory {
  /** Its bytes. */
  readonly u8: Uint8Array<ArrayBuffer>;
  /** Its 16-bit words. */
  readonly u16: Uint16Array<ArrayBuffer>;
  /** Its 32-bit words, signed: unsigned ones above 2³¹ would be doubles on the heap of V8. */
  readonly i32: Int32Array<ArrayBuffer>;
  /** What works within it faster than JavaScript; null if there is no such thing. */
  readonly simd: Simd | null;

  /** Makes the views of a buffer. What is beyond the last whole word of one has no place in its views. */
  constructor(buffer: ArrayBuffer, simd: Simd | null = null) {
    this.simd = simd;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer, 0, buffer.byteLength >> 1);
    this.i32 = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  }
}

/** Folds a sum of 16-bit words to 16 bits, with the carries added (RFC 1071, section 4.1). */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** The two bytes of a 16-bit word, the other way round. */
export function swap16(word: number): number {
  return ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
}

/** The sum of `length` bytes, at most 65 535, from `offset` on; an odd one is followed by a zero. */
export function sum(memory: Memory, offset: number, length: number): number {
  if (length >= WORTHWHILE && memory.simd !== null) return fold(memory.simd.sum(offset, length));
  return plainSum(memory, offset, length);
}

function plainSum(memory: Memory, offset: number, length: number): number {
  if (length === 0) return 0;
  if ((offset & 1) !== 0) {
    return fold(memory.u8[offset]! + swap16(plainSum(memory, offset + 1, length - 1)));
  }
  const { u8, u16, i32 } = memory;
  let at = offset;
  let left = length;
  let low = 0;
  if ((at & 2) !== 0 && left >= 2) {
    low = u16[at >> 1]!;
    at += 2;
    left -= 2;
  }
  let high = 0;
  let word = at >> 2;
  const end = word + (left >> 4 << 2);
  for (; word < end; word += 4) {
    const a = i32[word]!;
    const b = i32[word + 1]!;
    const c = i32[word + 2]!;
    const d = i32[word + 3]!;
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
  }
  at += left & ~15;
  left &= 15;
  for (; left >= 2; at += 2, left -= 2) low += u16[at >> 1]!;
  if (left !== 0) low += u8[at]!;
  return fold(fold(low) + fold(high));
}

/** Copies bytes from one memory to another. The two ranges must not overlap. */
export function copy(
  from: Memory,
  fromOffset: number,
  to: Memory,
  toOffset: number,
  length: number,
): void {
  if (length >= WORTHWHILE && from === to && from.simd !== null) {
    from.simd.copy(fromOffset, toOffset, length);
  } else plainCopy(from, fromOffset, to, toOffset, length);
}

function plainCopy(
  from: Memory,
  fromOffset: number,
  to: Memory,
  toOffset: number,
  length: number,
): void {
  const source = from.u8;
  const target = to.u8;
  let at = fromOffset;
  let place = toOffset;
  const end = at + length;
  if (((at ^ place) & 3) === 0) {
    while ((at & 3) !== 0 && at < end) target[place++] = source[at++]!;
    const words = from.i32;
    const targets = to.i32;
    const last = end >> 2;
    let word = at >> 2;
    let targetWord = place >> 2;
    if (word < last) {
      place += (last - word) << 2;
      at = last << 2;
      while (word < last) targets[targetWord++] = words[word++]!;
    }
  } else if (((at | place) & 1) === 0) {
    const halves = from.u16;
    const targets = to.u16;
    for (; at + 2 <= end; at += 2, place += 2) targets[place >> 1] = halves[at >> 1]!;
  }
  while (at < end) target[place++] = source[at++]!;
}

/** As {@linkcode copy}, and gives the sum of what it copied. */
export function copyAndSum(
  from: Memory,
  fromOffset: number,
  to: Memory,
  toOffset: number,
  length: number,
): number {
  if (length >= WORTHWHILE && from === to && from.simd !== null) {
    return fold(from.simd.copyAndSum(fromOffset, toOffset, length));
  }
  return plainCopyAndSum(from, fromOffset, to, toOffset, length);
}

function plainCopyAndSum(
  from: Memory,
  fromOffset: number,
  to: Memory,
  toOffset: number,
  length: number,
): number {
  if (((fromOffset | toOffset) & 3) !== 0) {
    plainCopy(from, fromOffset, to, toOffset, length);
    return sum(to, toOffset, length);
  }
  const words = from.i32;
  const targets = to.i32;
  let low = 0;
  let high = 0;
  let word = fromOffset >> 2;
  let target = toOffset >> 2;
  const end = word + (length >> 4 << 2);
  for (; word < end; word += 4, target += 4) {
    const a = words[word]!;
    const b = words[word + 1]!;
    const c = words[word + 2]!;
    const d = words[word + 3]!;
    targets[target] = a;
    targets[target + 1] = b;
    targets[target + 2] = c;
    targets[target + 3] = d;
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
  }
  const rest = length & 15;
  if (rest !== 0) {
    const at = length - rest;
    plainCopy(from, fromOffset + at, to, toOffset + at, rest);
    low = fold(low) + plainSum(to, toOffset + at, rest);
  }
  return fold(fold(low) + fold(high));
}
