/**
 * The hash of keys: HalfSipHash-1-3, with a secret that is another one in each process.
 *
 * Without a secret, a client could choose keys that all have one hash, and make every search a long one. The
 * designers' paper is "SipHash: a fast short-input PRF" (Aumasson, Bernstein); the half of it is for 32 bits, as
 * Linux uses it in its tables.
 *
 * @module
 */

/** Rounds after the last word of the key. */
const FINAL_ROUNDS = 3;

const [SECRET_0, SECRET_1] = crypto.getRandomValues(new Int32Array(2)) as unknown as [
  number,
  number,
];

/**
 * The hash of bytes, as a signed 32-bit integer.
 *
 * @param bytes The bytes.
 * @param start Index of the first byte.
 * @param end Index after the last byte.
 * @param k0 One half of the secret.
 * @param k1 The other half.
 */
export function hashBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  k0: number = SECRET_0,
  k1: number = SECRET_1,
): number {
  let v0 = k0;
  let v1 = k1;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  const length = end - start;
  const last = length >> 2;
  let at = start;
  for (let round = 0; round <= last + FINAL_ROUNDS; round++) {
    let word = 0;
    if (round < last) {
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      at += 4;
    } else if (round === last) {
      // The bytes that are left over, and the length.
      word = length << 24;
      for (let shift = 0; at < end; shift += 8) word |= bytes[at++]! << shift;
    } else if (round === last + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
