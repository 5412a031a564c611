/**
 * One keyspace: keys, their values, and when they expire.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import { type Expiring, ExpiryQueue } from "./expiry_queue.ts";
import { heapSize, type Value } from "./value.ts";

/**
 * The most keys that one database holds.
 *
 * A `Map` throws beyond 2²⁴ entries, and counts deleted ones among them until these are half of it.
 */
const MAX_KEYS = 2 ** 23;

/** What an entry takes of the heap beside its key and value, in bytes: at most, of millions that come and go. */
const ENTRY_COST = 240;

/** A key and what belongs to it. */
export interface Entry extends Expiring {
  /** The bytes of the key as latin1. */
  readonly key: string;
  /** What the key holds; {@linkcode Database.replace} changes it. */
  value: Value;
  /** The place in the order of the scan; only the database changes it. */
  scanIndex: number;
}

/** What all databases of a store share: the time, and what they count. */
export interface Shared {
  /** The time in milliseconds since 1970, read once for a batch of commands. */
  now: number;
  /** How many keys were deleted because their time had come. */
  expiredKeys: number;
  /** How many reads found their key. */
  hits: number;
  /** How many reads found no key. */
  misses: number;
  /** About how much of the heap of the engine the keys and values take, in bytes. */
  heapBytes: number;
}

/**
 * A map of keys that expire, which can be scanned while it changes.
 *
 * A key whose time has come is gone for every method but {@linkcode Database.size}, which counts it until it
 * is collected: by the next access, or by {@linkcode Database.collect}.
 */
export class Database {
  #shared: Shared;
  #maximumKeys: number;
  #entries = new Map<string, Entry>();
  /** Every entry once, for the scan: a deletion moves the last entry into the hole. */
  #order: Entry[] = [];
  #expiring = new ExpiryQueue<Entry>();
  /** The part of {@linkcode Shared.heapBytes} that is in here. */
  #heapBytes = 0;

  /**
   * @param shared The time and the counters.
   * @param maximumKeys The most keys to hold.
   */
  constructor(shared: Shared, maximumKeys: number = MAX_KEYS) {
    this.#shared = shared;
    this.#maximumKeys = maximumKeys;
  }

  /** How many keys there are, with those that have expired and are not collected yet. */
  get size(): number {
    return this.#entries.size;
  }

  /** How many of the keys expire. */
  get expiringSize(): number {
    return this.#expiring.size;
  }

  /** The entry of a key, if there is one. */
  find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiryIndex < 0 || !this.#hasExpired(entry)) return entry;
    this.#expire(entry);
    return undefined;
  }

  /** Like {@linkcode Database.find}, and counts a hit or a miss. */
  read(key: string): Entry | undefined {
    const entry = this.find(key);
    if (entry === undefined) this.#shared.misses++;
    else this.#shared.hits++;
    return entry;
  }

  /**
   * Sets a key, which then does not expire.
   *
   * @param key The key, new or not.
   * @param value What it holds from now on.
   * @returns The entry of the key.
   * @throws {CommandError} If the key is new and the database is full.
   */
  set(key: string, value: Value): Entry {
    let entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.replace(entry, value);
      if (entry.expiryIndex >= 0) this.#expiring.delete(entry);
      return entry;
    }
    const maximum = this.#maximumKeys;
    if (this.#order.length >= maximum) {
      throw new CommandError(`OOM command not allowed: a database holds at most ${maximum} keys`);
    }
    entry = { key, value, scanIndex: this.#order.length, expiryIndex: -1 };
    this.#entries.set(key, entry);
    this.#order.push(entry);
    this.#account(costOf(entry));
    return entry;
  }

  /** Gives an entry another value, and lets it expire when it would have. */
  replace(entry: Entry, value: Value): void {
    this.#account(heapSize(value) - heapSize(entry.value));
    entry.value = value;
  }

  /**
   * Deletes a key.
   *
   * @returns Whether there was one.
   */
  delete(key: string): boolean {
    const entry = this.find(key);
    if (entry !== undefined) this.#remove(entry);
    return entry !== undefined;
  }

  /** Deletes all keys. */
  clear(): void {
    this.#entries = new Map();
    this.#order = [];
    this.#expiring.clear();
    this.#account(-this.#heapBytes);
  }

  /** When an entry expires, in milliseconds since 1970, or `undefined` if it does not. */
  deadline(entry: Entry): number | undefined {
    return entry.expiryIndex < 0 ? undefined : this.#expiring.deadline(entry);
  }

  /** Lets an entry expire at a time, in milliseconds since 1970. */
  expireAt(entry: Entry, deadline: number): void {
    this.#expiring.set(entry, deadline);
  }

  /**
   * Lets an entry not expire.
   *
   * @returns Whether it would have.
   */
  persist(entry: Entry): boolean {
    if (entry.expiryIndex < 0) return false;
    this.#expiring.delete(entry);
    return true;
  }

  /** Every key that has not expired. */
  *keys(): Generator<string, void, void> {
    for (const entry of this.#order) {
      if (entry.expiryIndex < 0 || !this.#hasExpired(entry)) yield entry.key;
    }
  }

  /**
   * Visits some keys of an iteration that began with cursor 0 and goes on with the cursor returned.
   *
   * The cursor is how many places of the order are still to be visited, from the last to the first. Between
   * two calls new keys come at the end, and a deletion moves the last entry to a lower place: never from a
   * place that is still to be visited to one that was. So a key that exists throughout is visited at least
   * once, and no state has to be kept for the client.
   *
   * @param cursor Where to go on, or 0 to begin.
   * @param count How many keys to visit at most.
   * @param visit Called with each entry that has not expired.
   * @returns The cursor to go on with, or 0 when all keys have been visited.
   */
  scan(cursor: number, count: number, visit: (entry: Entry) => void): number {
    const end = cursor === 0 ? this.#order.length : Math.min(cursor, this.#order.length);
    const start = Math.max(0, end - count);
    for (let i = end - 1; i >= start; i--) {
      const entry = this.#order[i]!;
      // An expired entry goes the same way as any deletion: what takes its place has been visited.
      if (entry.expiryIndex >= 0 && this.#hasExpired(entry)) this.#expire(entry);
      else visit(entry);
    }
    return start;
  }

  /**
   * Deletes keys whose time has come, soonest first.
   *
   * @param budget How many to delete at most.
   * @returns How many were deleted.
   */
  collect(budget: number): number {
    let collected = 0;
    while (collected < budget) {
      const entry = this.#expiring.first;
      if (entry === undefined || !this.#hasExpired(entry)) break;
      this.#expire(entry);
      collected++;
    }
    return collected;
  }

  /** Whether the time of an entry that expires has come: it lives through its last millisecond. */
  #hasExpired(entry: Entry): boolean {
    return this.#shared.now > this.#expiring.deadline(entry);
  }

  #expire(entry: Entry): void {
    this.#shared.expiredKeys++;
    this.#remove(entry);
  }

  #remove(entry: Entry): void {
    if (entry.expiryIndex >= 0) this.#expiring.delete(entry);
    this.#entries.delete(entry.key);
    this.#account(-costOf(entry));
    const last = this.#order.pop()!;
    if (last !== entry) {
      this.#order[entry.scanIndex] = last;
      last.scanIndex = entry.scanIndex;
    }
  }

  #account(bytes: number): void {
    this.#heapBytes += bytes;
    this.#shared.heapBytes += bytes;
  }
}

function costOf({ key, value }: Entry): number {
  return ENTRY_COST + key.length + heapSize(value);
}
