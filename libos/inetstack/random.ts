/**
 * The randomness of the stack: given from outside, so that two runs from one seed send the same bytes.
 *
 * @module
 */

/** Gives random numbers. */
export interface Random {
  /** 32 random bits, as a signed integer. */
  next(): number;
}

/**
 * A generator of a seed: xoshiro128** (Blackman and Vigna, 2018). Good for simulations; who has to be safe from
 * guessing seeds it, or replaces it, from a cryptographic one.
 */
export class SeededRandom implements Random {
  readonly #state = new Int32Array(4);

  /** Makes the generator of a seed; every bit of its 32 matters. */
  constructor(seed: number) {
    // SplitMix32 spreads the seed over the state (the authors' advice), which then is never all zero.
    let state = seed | 0;
    for (let i = 0; i < 4; i++) {
      state = (state + 0x9e3779b9) | 0;
      let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[i] = word ^ (word >>> 15);
    }
  }

  /** See {@linkcode Random.next}. */
  next(): number {
    const s = this.#state;
    const five = Math.imul(s[1]!, 5);
    const result = Math.imul((five << 7) | (five >>> 25), 9);
    const shifted = s[1]! << 9;
    s[2] = s[2]! ^ s[0]!;
    s[3] = s[3]! ^ s[1]!;
    s[1] = s[1]! ^ s[2]!;
    s[0] = s[0]! ^ s[3]!;
    s[2] = s[2]! ^ shifted;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** A number of 0 or more and less than `bound`, an integer if that is one, up to 2³². */
  below(bound: number): number {
    return Math.floor((this.next() >>> 0) / 2 ** 32 * bound);
  }

  /** Whether something of that probability happens. */
  chance(probability: number): boolean {
    return (this.next() >>> 0) / 2 ** 32 < probability;
  }
}
