/**
 * Signed 64-bit integers: a number while it is exact, a bigint beyond.
 *
 * @module
 */

/** An integer from −2⁶³ to 2⁶³−1: a number when it is a safe integer, else a bigint. */
export type Integer = number | bigint;

/** The largest signed 64-bit integer. */
export const MAX_INTEGER: bigint = 2n ** 63n - 1n;
/** The smallest signed 64-bit integer. */
export const MIN_INTEGER: bigint = -(2n ** 63n);

/** Every integer of this many digits is a safe one. */
const SAFE_DIGITS = 15;
const ZERO = 48;
const MINUS = 45;

/**
 * Reads an integer in its one canonical spelling: no plus sign, no leading zeros, no spaces.
 *
 * @param text The digits, perhaps after a minus sign.
 * @returns The integer, or `undefined` if `text` is none or does not fit 64 bits.
 */
export function parseInteger(text: string): Integer | undefined {
  const negative = text.charCodeAt(0) === MINUS;
  const first = negative ? 1 : 0;
  const digits = text.length - first;
  if (digits < 1 || digits > 19) return undefined;
  if (text.charCodeAt(first) === ZERO) return digits === 1 && !negative ? 0 : undefined;
  let value = 0;
  for (let i = first; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  if (digits <= SAFE_DIGITS) return negative ? -value : value;
  return fit(BigInt(text));
}

/**
 * The sum of two integers.
 *
 * @returns The sum, or `undefined` if it does not fit 64 bits.
 */
export function addIntegers(a: Integer, b: Integer): Integer | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return fit(BigInt(a) + BigInt(b));
}

/** A number where `value` is a safe integer, a bigint where it fits 64 bits, else `undefined`. */
function fit(value: bigint): Integer | undefined {
  if (value < MIN_INTEGER || value > MAX_INTEGER) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
