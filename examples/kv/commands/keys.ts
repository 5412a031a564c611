/**
 * Commands on keys, whatever they hold.
 *
 * @module
 */
import type { CommandOptions } from "../command.ts";
import { type Entry, NONE } from "../database.ts";
import { CommandError, syntaxError } from "../errors.ts";
import { matchGlob } from "../glob.ts";
import type { CommandRequest } from "../request.ts";
import type { Session } from "../session.ts";

const DEFAULT_SCAN_COUNT = 10;
/** Cursors have 64 bits; of ours only the lower half is ever used. */
const MAX_CURSOR = 2n ** 64n - 1n;

function del(session: Session, request: CommandRequest): void {
  let deleted = 0;
  for (let i = 1; i < request.count; i++) {
    if (session.database.delete(request.key(i))) deleted++;
  }
  session.reply.integer(deleted);
}

function exists(session: Session, request: CommandRequest): void {
  let found = 0;
  for (let i = 1; i < request.count; i++) {
    if (session.database.read(request.key(i)) !== NONE) found++;
  }
  session.reply.integer(found);
}

function type(session: Session, request: CommandRequest): void {
  const entry = session.database.read(request.key(1));
  session.reply.simple(entry === NONE ? "none" : typeName(entry));
}

/** The type of what an entry holds, as TYPE and SCAN name it: there are only strings so far. */
function typeName(_entry: Entry): string {
  return "string";
}

function dbsize(session: Session): void {
  session.reply.integer(session.database.size);
}

function flushall(session: Session, request: CommandRequest): void {
  checkFlushMode(request);
  session.store.clear();
  session.reply.ok();
}

function flushdb(session: Session, request: CommandRequest): void {
  checkFlushMode(request);
  session.database.clear();
  session.reply.ok();
}

/** ASYNC and SYNC are the same here: the memory is freed at once. */
function checkFlushMode(request: CommandRequest): void {
  if (request.count > 2) throw syntaxError();
  if (request.count === 2 && !/^a?sync$/.test(request.word(1))) throw syntaxError();
}

function keys(session: Session, request: CommandRequest): void {
  const { database } = session;
  const pattern = request.text(1);
  const found: Entry[] = [];
  for (const entry of database.entries()) {
    if (pattern === "*" || matchGlob(pattern, database.key(entry).text())) found.push(entry);
  }
  replyKeys(session, found);
}

function replyKeys({ database, reply }: Session, entries: readonly Entry[]): void {
  reply.array(entries.length);
  for (const entry of entries) reply.stored(database.key(entry));
}

function scan(session: Session, request: CommandRequest): void {
  const { database, reply } = session;
  const cursor = readCursor(request.text(1));
  let pattern: string | undefined;
  let count = DEFAULT_SCAN_COUNT;
  let wanted: string | undefined;
  for (let i = 2; i < request.count; i += 2) {
    const option = request.word(i);
    if (i + 1 === request.count) throw syntaxError();
    if (option === "count") {
      count = Number(request.integer(i + 1));
      if (count < 1) throw syntaxError();
    } else if (option === "match") pattern = request.text(i + 1);
    else if (option === "type") wanted = request.word(i + 1);
    else throw syntaxError();
  }
  const found: Entry[] = [];
  const next = database.scan(cursor, count, (entry) => {
    if (pattern !== undefined && !matchGlob(pattern, database.key(entry).text())) return;
    if (wanted !== undefined && typeName(entry) !== wanted) return;
    found.push(entry);
  });
  reply.array(2);
  reply.bulk(String(next));
  replyKeys(session, found);
}

/** Reads a cursor as C reads an unsigned integer of 64 bits: a negative one counts down from the largest. */
function readCursor(text: string): number {
  const [, sign, digits] = /^(?:([+-]?)([0-9]+))?(?:$|\0)/.exec(text) ?? [];
  if (digits === undefined && !/^(?:$|\0)/.test(text)) throw new CommandError("ERR invalid cursor");
  const cursor = BigInt(digits ?? 0);
  if (cursor > MAX_CURSOR) throw new CommandError("ERR invalid cursor");
  return Number(BigInt.asUintN(64, sign === "-" ? -cursor : cursor));
}

/** The commands on keys. */
export const keyCommands: readonly CommandOptions[] = [
  {
    name: "del",
    arity: -2,
    flags: ["write"],
    keys: [1, -1, 1],
    summary: "Delete a key",
    since: "1.0.0",
    group: "generic",
    run: del,
  },
  {
    name: "unlink",
    arity: -2,
    flags: ["write", "fast"],
    keys: [1, -1, 1],
    summary: "Delete a key; the same as DEL here",
    since: "4.0.0",
    group: "generic",
    run: del,
  },
  {
    name: "exists",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: [1, -1, 1],
    summary: "Determine if a key exists",
    since: "1.0.0",
    group: "generic",
    run: exists,
  },
  {
    name: "type",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [1, 1, 1],
    summary: "Determine the type stored at a key",
    since: "1.0.0",
    group: "generic",
    run: type,
  },
  {
    name: "keys",
    arity: 2,
    flags: ["readonly"],
    summary: "Find all keys matching the given pattern",
    since: "1.0.0",
    group: "generic",
    run: keys,
  },
  {
    name: "scan",
    arity: -2,
    flags: ["readonly"],
    summary: "Incrementally iterate the keys space",
    since: "2.8.0",
    group: "generic",
    run: scan,
  },
  {
    name: "dbsize",
    arity: 1,
    flags: ["readonly", "fast"],
    summary: "Return the number of keys in the selected database",
    since: "1.0.0",
    group: "server",
    run: dbsize,
  },
  {
    name: "flushall",
    arity: -1,
    flags: ["write"],
    summary: "Remove all keys from all databases",
    since: "1.0.0",
    group: "server",
    run: flushall,
  },
  {
    name: "flushdb",
    arity: -1,
    flags: ["write"],
    summary: "Remove all keys from the current database",
    since: "1.0.0",
    group: "server",
    run: flushdb,
  },
];
