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
  /** Slots of operations that are over and not waited for yet, in the order in which they ended. */
  readonly #ended = new Set<number>();

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
    if (operation.over) this.#ended.add(slot);
    return this.#generations[slot]! * SLOTS + slot;
  }

  /** The operation of a token. Throws {@linkcode DemikernelError} `EINVAL` for one used up or unknown. */
  get(qt: QToken, call: string): PooledOperation {
    if (typeof qt === "number") {
      const slot = qt % SLOTS;
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
    this.#ended.add(operation.slot);
  }

  /** The operation that ended first of those not waited for, or null. */
  firstEnded(): PooledOperation | null {
    for (const slot of this.#ended) return this.#operations[slot]!;
    return null;
  }

  /** Uses a token up. */
  release(operation: PooledOperation): void {
    const slot = operation.slot;
    operation.slot = -1;
    this.#operations[slot] = null;
    this.#ended.delete(slot);
    this.#used--;
    if (++this.#generations[slot]! < LAST_GENERATION) this.#free.push(slot);
  }

  #grow(): number {
    const slot = this.#operations.length;
    this.#operations.push(null);
    if (slot === this.#generations.length) {
      const grown = new Float64Array(2 * slot).fill(1);
      grown.set(this.#generations);
      this.#generations = grown;
    }
    return slot;
  }
}
