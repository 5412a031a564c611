/**
 * The token table: which operation a qtoken names.
 *
 * A token is `generation × 2²⁰ + slot`. A slot's generation grows each time a token of it is used up, and
 * a slot that ran out of generations is never used again, so that no token ever names two operations.
 *
 * @module
 */

import { DemikernelError, inspect } from "../../error.ts";
import type { QToken } from "../../pdpix.ts";
import type { PooledOperation } from "./operation.ts";

const SLOTS = 1 << 20;
const LAST_GENERATION = 2 ** 33 - 1;

/** The tokens of one libOS. */
export class TokenTable {
  #operations: (PooledOperation | null)[] = [];
  #generations = new Float64Array(64).fill(1);
  #free: number[] = [];
  #used = 0;
  /**
   * Slots of operations that are over and not waited for yet, in the order in which they ended: a ring of places, of which
   * 0 is where it begins and ends, and `slot + 1` a slot's. A `Set` would cost more than all the rest of a token.
   */
  #before = new Int32Array(65);
  #after = new Int32Array(65);

  /** Tokens given out and not used up. */
  get size(): number {
    return this.#used;
  }

  /** Throws {@linkcode DemikernelError} `ENOMEM` when 2²⁰ are in use. */
  checkRoom(): void {
    if (this.#free.length > 0 || this.#operations.length < SLOTS) return;
    throw new DemikernelError("ENOMEM", "take a token", {
      detail: `${SLOTS} tokens are in use; wait for some of them first`,
    });
  }

  /** Gives an operation a token; there must be room for it. */
  register(operation: PooledOperation): QToken {
    const slot = this.#free.pop() ?? this.#grow();
    this.#operations[slot] = operation;
    operation.slot = slot;
    this.#used++;
    if (operation.over) this.ended(operation);
    return this.#generations[slot]! * SLOTS + slot;
  }

  /** The operation of a token. Throws {@linkcode DemikernelError} `EINVAL` for one used up or unknown. */
  get(qt: QToken, call: string): PooledOperation {
    if (typeof qt === "number") {
      // Not `%`: of such large numbers that is a call into the C library.
      const slot = (qt - Math.floor(qt / SLOTS) * SLOTS) | 0;
      const operation = this.#operations[slot];
      if (operation && this.#generations[slot]! * SLOTS + slot === qt) return operation;
    }
    throw new DemikernelError("EINVAL", call, {
      detail: `${inspect(qt)} is no token, or used up already`,
    });
  }

  /** The token of an operation that has one. */
  tokenOf(operation: PooledOperation): QToken {
    return this.#generations[operation.slot]! * SLOTS + operation.slot;
  }

  /** Used by operations: one that has a token is over. */
  ended(operation: PooledOperation): void {
    const place = operation.slot + 1;
    const last = this.#before[0]!;
    this.#before[place] = last;
    this.#after[last] = place;
    this.#after[place] = 0;
    this.#before[0] = place;
  }

  /** The operation that ended first of those not waited for, or null. */
  firstEnded(): PooledOperation | null {
    const place = this.#after[0]!;
    return place === 0 ? null : this.#operations[place - 1]!;
  }

  /** Uses a token up. */
  release(operation: PooledOperation): void {
    const slot = operation.slot;
    operation.slot = -1;
    this.#operations[slot] = null;
    if (operation.over) {
      const before = this.#before[slot + 1]!;
      const after = this.#after[slot + 1]!;
      this.#after[before] = after;
      this.#before[after] = before;
    }
    this.#used--;
    if (++this.#generations[slot]! < LAST_GENERATION) this.#free.push(slot);
  }

  #grow(): number {
    const slot = this.#operations.length;
    this.#operations.push(null);
    if (slot === this.#generations.length) {
      const generations = new Float64Array(2 * slot).fill(1);
      generations.set(this.#generations);
      this.#generations = generations;
      this.#before = grow(this.#before);
      this.#after = grow(this.#after);
    }
    return slot;
  }
}

function grow(places: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(2 * places.length - 1);
  grown.set(places);
  return grown;
}
