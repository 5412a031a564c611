/**
 * The keys of a database that expire, soonest first.
 *
 * @module
 */

/** What can stand in an {@linkcode ExpiryQueue}. */
export interface Expiring {
  /** The place of this in the queue, or −1; only the queue changes it. */
  expiryIndex: number;
}

/**
 * A binary heap ordered by deadline, in which every item knows its place.
 *
 * So the next key to expire is found at once, and a key that gets another deadline or is deleted is found
 * without a search. Deadlines stand in an array of their own, which the engine stores without boxing.
 */
export class ExpiryQueue<T extends Expiring> {
  #items: T[] = [];
  #deadlines: number[] = [];

  /** How many items there are. */
  get size(): number {
    return this.#items.length;
  }

  /** The item with the earliest deadline. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** The deadline of an item that is in the queue. */
  deadline(item: T): number {
    return this.#deadlines[item.expiryIndex]!;
  }

  /** Gives `item` a deadline, whether it had one or not. */
  set(item: T, deadline: number): void {
    if (item.expiryIndex < 0) item.expiryIndex = this.#items.length;
    this.#settle(item, deadline, item.expiryIndex);
  }

  /** Takes an item out; it must be in. */
  delete(item: T): void {
    const hole = item.expiryIndex;
    item.expiryIndex = -1;
    const last = this.#items.pop()!;
    const deadline = this.#deadlines.pop()!;
    if (last !== item) this.#settle(last, deadline, hole);
  }

  /** Takes everything out. */
  clear(): void {
    this.#items = [];
    this.#deadlines = [];
  }

  /** Puts `item` where it belongs, given that the place `hole` is free to be overwritten. */
  #settle(item: T, deadline: number, hole: number): void {
    const deadlines = this.#deadlines;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (deadlines[parent]! <= deadline) break;
      hole = this.#move(parent, hole);
    }
    while (true) {
      let child = hole * 2 + 1;
      if (child >= deadlines.length) break;
      if (child + 1 < deadlines.length && deadlines[child + 1]! < deadlines[child]!) child++;
      if (deadlines[child]! >= deadline) break;
      hole = this.#move(child, hole);
    }
    this.#items[hole] = item;
    deadlines[hole] = deadline;
    item.expiryIndex = hole;
  }

  /** Moves what is at `from` to `to`; returns the place that is free now. */
  #move(from: number, to: number): number {
    const item = this.#items[from]!;
    this.#items[to] = item;
    this.#deadlines[to] = this.#deadlines[from]!;
    item.expiryIndex = to;
    return from;
  }
}
