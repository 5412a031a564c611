/**
 * What the clients of one server share.
 *
 * @module
 */
import { Database, type Shared } from "./database.ts";
import { RequestReader } from "./request_reader.ts";
import type { Session } from "./session.ts";

/** So many readers are kept for the next client that has requests; seldom is there more than one. */
const MOST_READERS = 8;

/** What a {@linkcode Store} can be told; every setting has the default of Redis. */
export interface StoreOptions {
  /** Where the server listens, which CONFIG GET names; the default is everywhere. */
  bind?: string;
  /** The time in milliseconds since 1970; the default is `Date.now`. */
  clock?: () => number;
  /** How many databases there are; the default is 16. */
  databases?: number;
  /** The longest argument and the longest value, in bytes; the default is 512 MiB. */
  maximumBulkLength?: number;
  /** How many clients there may be at a time; the default is 10 000. */
  maximumClients?: number;
  /**
   * How much memory keys and values may take, in bytes, before commands that add to it are refused; the default
   * is no limit.
   */
  maximumMemory?: number;
  /** The longest request, with all its arguments, in bytes; the default is 1 GiB. */
  maximumRequestLength?: number;
  /** The port that INFO and CONFIG GET name; the default is 6379. */
  port?: number;
}

/** Counters for INFO. */
export interface Statistics extends Shared {
  /** How many clients there have been. */
  connections: number;
  /** How many commands have been run. */
  commands: number;
  /** How many errors have been replied. */
  errors: number;
  /** How many bytes of requests have come. */
  inputBytes: number;
}

/** The databases, the clients, the clock and the counters of one server. */
export class Store {
  /** The databases, by the number that SELECT takes. */
  readonly databases: readonly Database[];
  /** The clients that are connected, by their id. */
  readonly sessions: Map<number, Session> = new Map();
  /** The counters and the time. */
  readonly statistics: Statistics;
  /** The longest argument and the longest value, in bytes. */
  readonly maximumBulkLength: number;
  /** How many clients there may be at a time. */
  readonly maximumClients: number;
  /** How much memory keys and values may take, in bytes. */
  readonly maximumMemory: number;
  /** The longest request, with all its arguments, in bytes. */
  readonly maximumRequestLength: number;
  /** The parameters that CONFIG GET shows. */
  readonly configuration: ReadonlyMap<string, string>;
  /** When the store was made, in milliseconds since 1970. */
  readonly startedAt: number;

  #clock: () => number;
  #lastSessionId = 0;
  /** Those that hold nothing of any client. */
  readonly #readers: RequestReader[] = [];

  /** @param options Settings other than the defaults of Redis. */
  constructor(options: StoreOptions = {}) {
    const {
      bind = "* -::*",
      clock = Date.now,
      databases = 16,
      maximumBulkLength = 2 ** 29,
      maximumClients = 10_000,
      maximumMemory = Infinity,
      maximumRequestLength = 2 ** 30,
      port = 6379,
    } = options;
    this.#clock = clock;
    this.startedAt = clock();
    this.maximumBulkLength = maximumBulkLength;
    this.maximumClients = maximumClients;
    this.maximumMemory = maximumMemory;
    this.maximumRequestLength = maximumRequestLength;
    const statistics = newStatistics(this.startedAt);
    this.statistics = statistics;
    this.databases = Array.from({ length: databases }, () => new Database(statistics));
    this.configuration = new Map([
      ["appendonly", "no"],
      ["bind", bind],
      ["client-query-buffer-limit", String(maximumRequestLength)],
      ["databases", String(databases)],
      ["maxclients", String(maximumClients)],
      // As in Redis, 0 stands for no limit.
      ["maxmemory", String(maximumMemory === Infinity ? 0 : Math.floor(maximumMemory))],
      ["maxmemory-policy", "noeviction"],
      ["notify-keyspace-events", ""],
      ["port", String(port)],
      ["proto-max-bulk-len", String(maximumBulkLength)],
      ["replica-read-only", "yes"],
      ["requirepass", ""],
      ["save", ""],
      ["slave-read-only", "yes"],
      ["timeout", "0"],
    ]);
  }

  /** A reader for a client that has requests. */
  takeReader(): RequestReader {
    return this.#readers.pop() ??
      new RequestReader(this.maximumBulkLength, this.maximumRequestLength);
  }

  /** Takes back a reader that is idle: the one used last is still in the processor's cache. */
  putReader(reader: RequestReader): void {
    if (this.#readers.length < MOST_READERS) this.#readers.push(reader);
  }

  /** The time of the current batch of commands, in milliseconds since 1970. */
  get now(): number {
    return this.statistics.now;
  }

  /** Reads the clock: once for a batch of commands, which all see the same time. */
  tick(): void {
    this.statistics.now = this.#clock();
  }

  /**
   * Deletes keys whose time has come, so that memory is not held by keys that nobody asks for.
   *
   * Call it from a timer; Redis does so ten times a second.
   *
   * @param now The time in milliseconds since 1970.
   * @param budget How many keys to delete at most, to bound the pause.
   * @returns How many were deleted; if that is `budget`, there may be more.
   */
  expireCycle(now: number, budget: number): number {
    this.statistics.now = now;
    let collected = 0;
    for (const database of this.databases) collected += database.collect(budget - collected);
    return collected;
  }

  /** A number for a new client. */
  nextSessionId(): number {
    this.statistics.connections++;
    return ++this.#lastSessionId;
  }

  /** Sets the counters to zero, as CONFIG RESETSTAT does. */
  resetStatistics(): void {
    const { now, memory } = this.statistics;
    Object.assign(this.statistics, newStatistics(now), { memory });
  }

  /** Deletes every key of every database. */
  clear(): void {
    for (const database of this.databases) database.clear();
  }
}

function newStatistics(now: number): Statistics {
  return {
    now,
    expiredKeys: 0,
    hits: 0,
    misses: 0,
    memory: 0,
    connections: 0,
    commands: 0,
    errors: 0,
    inputBytes: 0,
  };
}
