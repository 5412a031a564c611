/**
 * 64-bit arguments without bigints on the heap: each is written as two halves, and passed by loading it
 * from a `BigUint64Array`, which the optimising compiler does without making an object.
 *
 * @module
 */

/** 2³², by which an address is cut into halves. */
const HALF = 2 ** 32;

/** A row of 64-bit arguments. */
export class Words {
  /** The arguments, to be passed as `words.u64[i]!`. */
  readonly u64: BigUint64Array<ArrayBuffer>;
  readonly #halves: Uint32Array<ArrayBuffer>;

  /** Makes a row of so many. */
  constructor(length: number) {
    this.u64 = new BigUint64Array(length);
    this.#halves = new Uint32Array(this.u64.buffer);
  }

  /** Sets one to a number, which must be an integer from 0 to 2⁵³. */
  set(index: number, value: number): void {
    this.#halves[2 * index] = value;
    this.#halves[2 * index + 1] = value / HALF;
  }
}
