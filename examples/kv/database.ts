/**
 * One keyspace: keys, their values, and when they expire.
 *
 * @module
 */
import { CommandError } from "./errors.ts";
import { ExpiryQueue } from "./expiry_queue.ts";
import { hashBytes } from "./hash.ts";
import type { Integer } from "./integer.ts";
import { KeyTable } from "./key_table.ts";
import { Field, NOWHERE, Records } from "./records.ts";
import { Span } from "./span.ts";

/** The most keys that one database holds: an array that grows beyond some 112 million ends the process. */
const MAX_KEYS = 2 ** 26;

/** What a key takes of the memory beside its record, in bytes: in the table, and in the order. */
const KEY_COST = 48;

/**
 * A key that is there, and what it holds: the place of its record.
 *
 * It is good until the next key is set, changed or deleted.
 */
export type Entry = number;

/** No entry: there is no such key. */
export const NONE: Entry = NOWHERE;

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
  /** About how much memory the keys and values take, in bytes; what is free among them may be as much again. */
  memory: number;
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
  readonly #records: Records;
  readonly #table: KeyTable;
  #expiring: ExpiryQueue;
  /** Every entry once, for the scan: a deletion moves the last entry into the hole. */
  #order: Entry[] = [];
  /** The part of {@linkcode Shared.memory} that is in here. */
  #memory = 0;
  readonly #key = new Span();
  readonly #value = new Span();

  /**
   * @param shared The time and the counters.
   * @param maximumKeys The most keys to hold.
   */
  constructor(shared: Shared, maximumKeys: number = MAX_KEYS) {
    this.#shared = shared;
    this.#maximumKeys = maximumKeys;
    this.#records = new Records(
      (from, to) => this.#relocate(from, to),
      (size) => shared.memory += size,
    );
    this.#table = new KeyTable(this.#records);
    this.#expiring = new ExpiryQueue(this.#records);
  }

  /** How many keys there are, with those that have expired and are not collected yet. */
  get size(): number {
    return this.#table.size;
  }

  /** How many of the keys expire. */
  get expiringSize(): number {
    return this.#expiring.size;
  }

  /** The entry of a key, or {@linkcode NONE}. */
  find(key: Span): Entry {
    const entry = this.#table.find(key, hashBytes(key.bytes, key.start, key.end));
    if (entry === NONE || !this.#hasExpired(entry)) return entry;
    this.#expire(entry);
    return NONE;
  }

  /** Like {@linkcode Database.find}, and counts a hit or a miss. */
  read(key: Span): Entry {
    const entry = this.find(key);
    if (entry === NONE) this.#shared.misses++;
    else this.#shared.hits++;
    return entry;
  }

  /** The key of an entry, in a span that is good until the next call. */
  key(entry: Entry): Span {
    return this.#records.key(entry, this.#key);
  }

  /** What an entry holds, in a span that is good until the next call. */
  value(entry: Entry): Span {
    return this.#records.value(entry, this.#value);
  }

  /**
   * Sets a key, which then does not expire.
   *
   * @param key The key, new or not.
   * @param value What it holds from now on; if it is movable, it may be empty afterwards.
   * @returns The entry of the key.
   * @throws {CommandError} If there is no room for it.
   */
  set(key: Span, value: Span): Entry {
    const hash = hashBytes(key.bytes, key.start, key.end);
    const entry = this.#table.find(key, hash);
    if (entry === NONE) return this.#add(key, hash, value);
    const replaced = this.replace(entry, value);
    this.persist(replaced);
    return replaced;
  }

  /**
   * Gives an entry another value, and lets it expire when it would have.
   *
   * @returns The entry from now on.
   * @throws {CommandError} If there is no room for it.
   */
  replace(entry: Entry, value: Span): Entry {
    const records = this.#records;
    const { HASH } = Field;
    let moved = NONE;
    if (value.movable) moved = records.adopt(this.key(entry), records.get(entry, HASH), value);
    if (moved === NONE) {
      if (records.fits(entry, value.length) && !records.isHeld(entry)) {
        records.write(entry, 0, value);
        return entry;
      }
      moved = records.copy(this.key(entry), records.get(entry, HASH), value);
    }
    return this.#supersede(entry, moved);
  }

  /**
   * Adds bytes at the end of the value of an entry. To do so again and again takes time in proportion to what is
   * added, since a value that has grown is given room to grow.
   *
   * @returns The entry from now on.
   * @throws {CommandError} If there is no room for it.
   */
  append(entry: Entry, tail: Span): Entry {
    const records = this.#records;
    const old = this.value(entry);
    const length = old.length + tail.length;
    let grown = entry;
    if (!records.fits(entry, length)) {
      grown = records.make(this.key(entry), records.get(entry, Field.HASH), length, 2 * length);
      records.write(grown, 0, old);
    }
    records.write(grown, length - tail.length, tail);
    return grown === entry ? entry : this.#supersede(entry, grown);
  }

  /**
   * Deletes a key.
   *
   * @returns Whether there was one.
   */
  delete(key: Span): boolean {
    const entry = this.find(key);
    if (entry !== NONE) this.#remove(entry);
    return entry !== NONE;
  }

  /** Deletes all keys, and lets go of all memory. */
  clear(): void {
    this.#records.clear();
    this.#table.clear();
    this.#expiring = new ExpiryQueue(this.#records);
    this.#order = [];
    this.#account(-this.#memory);
  }

  /** When an entry expires, in milliseconds since 1970, or `undefined` if it does not. */
  deadline(entry: Entry): Integer | undefined {
    return !this.#expires(entry) ? undefined : this.#expiring.exactDeadline(entry);
  }

  /** Lets an entry expire at a time, in milliseconds since 1970. */
  expireAt(entry: Entry, deadline: Integer): void {
    this.#expiring.set(entry, deadline);
  }

  /**
   * Lets an entry not expire.
   *
   * @returns Whether it would have.
   */
  persist(entry: Entry): boolean {
    if (!this.#expires(entry)) return false;
    this.#expiring.delete(entry);
    return true;
  }

  /** Every entry that has not expired. */
  *entries(): Generator<Entry, void, void> {
    for (const entry of this.#order) if (!this.#hasExpired(entry)) yield entry;
  }

  /**
   * Visits some keys of an iteration that began with cursor 0 and goes on with the cursor returned.
   *
   * The cursor is how many places of the order are still to be visited, from the last to the first. Between
   * two calls new keys come at the end, and a deletion moves the last entry to a lower place: never from a
   * place that is still to be visited to one that was. So a key that exists throughout is visited at least
   * once, and no state has to be kept for the client.
   *
   * @param cursor Where to go on, or 0 to begin. With more than there ever can be keys, nothing is left to visit.
   * @param count How many keys to visit at most.
   * @param visit Called with each entry that has not expired; all are good until the next key is changed.
   * @returns The cursor to go on with, or 0 when all keys have been visited.
   */
  scan(cursor: number, count: number, visit: (entry: Entry) => void): number {
    const order = this.#order;
    if (cursor > this.#maximumKeys) return 0;
    const end = cursor === 0 ? order.length : Math.min(cursor, order.length);
    const start = Math.max(0, end - count);
    // First, since an expired entry goes the same way as any deletion, which moves others.
    for (let i = end - 1; i >= start; i--) if (this.#hasExpired(order[i]!)) this.#expire(order[i]!);
    for (let i = Math.min(end, order.length) - 1; i >= start; i--) visit(order[i]!);
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

  #expires(entry: Entry): boolean {
    return this.#records.get(entry, Field.EXPIRY) >= 0;
  }

  /** Whether the time of an entry has come: it lives through its last millisecond. */
  #hasExpired(entry: Entry): boolean {
    return this.#expires(entry) && this.#shared.now > this.#expiring.deadline(entry);
  }

  #expire(entry: Entry): void {
    this.#shared.expiredKeys++;
    this.#remove(entry);
  }

  #add(key: Span, hash: number, value: Span): Entry {
    const maximum = this.#maximumKeys;
    if (this.#order.length >= maximum) {
      throw new CommandError(`OOM command not allowed: a database holds at most ${maximum} keys`);
    }
    const records = this.#records;
    this.#table.reserve();
    let entry = value.movable ? records.adopt(key, hash, value) : NONE;
    if (entry === NONE) entry = records.copy(key, hash, value);
    records.set(entry, Field.ORDER, this.#order.push(entry) - 1);
    this.#table.add(entry, hash);
    this.#account(records.size(entry) + KEY_COST);
    return entry;
  }

  #remove(entry: Entry): void {
    this.persist(entry);
    const records = this.#records;
    this.#table.delete(entry, records.get(entry, Field.HASH));
    const place = records.get(entry, Field.ORDER);
    const last = this.#order.pop()!;
    if (last !== entry) {
      this.#order[place] = last;
      records.set(last, Field.ORDER, place);
    }
    this.#account(-records.size(entry) - KEY_COST);
    records.free(entry);
  }

  /** A record takes the place of another one with the same key; returns it. */
  #supersede(entry: Entry, by: Entry): Entry {
    const records = this.#records;
    for (const field of [Field.ORDER, Field.EXPIRY]) {
      records.set(by, field, records.get(entry, field));
    }
    this.#account(records.size(by) - records.size(entry));
    this.#relocate(entry, by);
    records.free(entry);
    return by;
  }

  /** The record of an entry is in another place now. */
  #relocate(from: Entry, to: Entry): void {
    const records = this.#records;
    this.#table.moved(from, to, records.get(to, Field.HASH));
    this.#order[records.get(to, Field.ORDER)] = to;
    if (this.#expires(to)) this.#expiring.moved(to);
  }

  #account(bytes: number): void {
    this.#memory += bytes;
    this.#shared.memory += bytes;
  }
}
