/**
 * What came on a connection and was not popped: messages in order, some of which may be coming in still.
 *
 * @module
 */

import type { HeapSga } from "../runtime/memory/sga.ts";

const SMALLEST = 8;

/** See the module's description. Each has a number, by which it is found when all of it is there. */
export class Arrivals {
  #sgas: (HeapSga | null)[] = new Array(SMALLEST).fill(null);
  /** What each costs of the credit; negative as long as it is not all there. */
  #costs = new Int32Array(SMALLEST);
  #first = 0;
  #end = 0;

  /** How many there are, those under way too. */
  get length(): number {
    return this.#end - this.#first;
  }

  /** Whether there is one, and all of it. */
  get isReady(): boolean {
    return this.#end > this.#first && this.#costs[this.#at(this.#first)]! > 0;
  }

  /** Whether all of each is there. */
  get isWhole(): boolean {
    for (let i = this.#first; i < this.#end; i++) if (this.#costs[this.#at(i)]! < 0) return false;
    return true;
  }

  /** The first. */
  get first(): HeapSga {
    return this.#sgas[this.#at(this.#first)]!;
  }

  /** What the first costs. */
  get cost(): number {
    return this.#costs[this.#at(this.#first)]!;
  }

  /** Adds one; gives its number. */
  push(sga: HeapSga, cost: number, isReady: boolean): number {
    if (this.length === this.#sgas.length) this.#grow();
    const at = this.#at(this.#end);
    this.#sgas[at] = sga;
    this.#costs[at] = isReady ? cost : -cost;
    return this.#end++;
  }

  /** All of one is there. */
  complete(number: number): void {
    const at = this.#at(number);
    this.#costs[at] = Math.abs(this.#costs[at]!);
  }

  /** Removes the first. */
  shift(): void {
    this.#sgas[this.#at(this.#first)] = null;
    this.#first++;
  }

  /** Drops the first that is not all there, and what follows: it is known that it will not come. */
  cut(): void {
    let end = this.#first;
    while (end < this.#end && this.#costs[this.#at(end)]! > 0) end++;
    for (let i = end; i < this.#end; i++) if (this.#costs[this.#at(i)]! > 0) this.free(i);
    this.#end = end;
  }

  /** Whether one was not dropped. */
  has(number: number): boolean {
    return number < this.#end;
  }

  /** Frees one of which not all was there when it was dropped. */
  free(number: number): void {
    const at = this.#at(number);
    this.#sgas[at]?.free();
    this.#sgas[at] = null;
  }

  /** Frees all but those that are coming in, into whose memory UCX writes. */
  clear(): void {
    for (let i = this.#first; i < this.#end; i++) {
      if (this.#costs[this.#at(i)]! > 0) this.free(i);
    }
  }

  #at(number: number): number {
    return number & (this.#sgas.length - 1);
  }

  #grow(): void {
    const { length } = this.#sgas;
    const sgas: (HeapSga | null)[] = new Array(2 * length).fill(null);
    const costs = new Int32Array(2 * length);
    for (let i = this.#first; i < this.#end; i++) {
      sgas[i & (2 * length - 1)] = this.#sgas[this.#at(i)]!;
      costs[i & (2 * length - 1)] = this.#costs[this.#at(i)]!;
    }
    this.#sgas = sgas;
    this.#costs = costs;
  }
}
