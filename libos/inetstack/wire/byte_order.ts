/**
 * Words as they lie in memory, and as numbers: the machine is little-endian, networks are big-endian.
 *
 * @module
 */

export { swap16 } from "../../runtime/memory/memory.ts";

/** The four bytes of a 32-bit word, the other way round. */
export function swap32(word: number): number {
  return word << 24 | (word & 0xff00) << 8 | (word >>> 8) & 0xff00 | word >>> 24;
}

/** The sum of the two 16-bit words of a 32-bit word, as a checksum takes them. */
export function halves(word: number): number {
  return (word & 0xffff) + (word >>> 16);
}
