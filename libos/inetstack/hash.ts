/**
 * A keyed hash of a few words: HalfSipHash-2-4 (Aumasson and Bernstein, 2012), the 32-bit form of SipHash. Whoever does not
 * know the key cannot tell its values from random ones, as RFC 6528 and RFC 6056 need it.
 *
 * @module
 */

import type { Random } from "./random.ts";

/** A secret. */
export interface HashKey {
  /** Its words. */
  readonly k0: number;
  /** Its words. */
  readonly k1: number;
}

/** Makes a secret. */
export function makeKey(random: Random): HashKey {
  return { k0: random.next(), k1: random.next() };
}

// The state of the hash under way, since a round changes all four at once.
let v0 = 0;
let v1 = 0;
let v2 = 0;
let v3 = 0;

function round(): void {
  v0 = (v0 + v1) | 0;
  v1 = (v1 << 5 | v1 >>> 27) ^ v0;
  v0 = v0 << 16 | v0 >>> 16;
  v2 = (v2 + v3) | 0;
  v3 = (v3 << 8 | v3 >>> 24) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = (v3 << 7 | v3 >>> 25) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = (v1 << 13 | v1 >>> 19) ^ v2;
  v2 = v2 << 16 | v2 >>> 16;
}

function absorb(word: number): void {
  v3 ^= word;
  round();
  round();
  v0 ^= word;
}

/** The hash of four words, 32 bits. */
export function hash(key: HashKey, a: number, b: number, c: number, d: number): number {
  v0 = key.k0;
  v1 = key.k1;
  v2 = 0x6c796765 ^ key.k0;
  v3 = 0x74656462 ^ key.k1;
  absorb(a);
  absorb(b);
  absorb(c);
  absorb(d);
  // The last word tells the length, 16 bytes.
  absorb(16 << 24);
  v2 ^= 0xff;
  for (let i = 0; i < 4; i++) round();
  return v1 ^ v3;
}
