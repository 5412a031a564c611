/**
 * The last few frames that were to be sent while the link was down: a link that comes up at once should not cost
 * whoever asks for a neighbour a second.
 *
 * @module
 */

import { copy, type Memory } from "../../runtime/memory/memory.ts";

/** How many. */
const FRAMES = 32;

/** See the module's description. */
export class Waiting {
  readonly #memory: Memory;
  readonly #at: number;
  readonly #size: number;
  readonly #lengths = new Int32Array(FRAMES);
  #first = 0;
  #count = 0;

  /** Keeps frames of a size, a multiple of 4, at a place of a memory. */
  constructor(memory: Memory, at: number, size: number) {
    this.#memory = memory;
    this.#at = at;
    this.#size = size;
  }

  /** The bytes that it takes. */
  static bytes(size: number): number {
    return FRAMES * size;
  }

  /** Keeps a frame; says how many were lost for it. */
  add(from: number, length: number): number {
    const isFull = this.#count === FRAMES;
    if (isFull) this.#first = (this.#first + 1) % FRAMES;
    else this.#count++;
    const place = (this.#first + this.#count - 1) % FRAMES;
    copy(this.#memory, from, this.#memory, this.#at + place * this.#size, length);
    this.#lengths[place] = length;
    return isFull ? 1 : 0;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Where the oldest is. */
  get at(): number {
    return this.#at + this.#first * this.#size;
  }

  /** How long the oldest is. */
  get length(): number {
    return this.#lengths[this.#first]!;
  }

  /** Lets go of the oldest. */
  shift(): void {
    this.#first = (this.#first + 1) % FRAMES;
    this.#count--;
  }
}
