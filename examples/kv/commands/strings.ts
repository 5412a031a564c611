/**
 * Commands on binary strings.
 *
 * @module
 */
import type { CommandOptions } from "../command.ts";
import { type Entry, NONE } from "../database.ts";
import { arityError, CommandError, syntaxError } from "../errors.ts";
import { expiryError, expiryTime } from "../expiry_time.ts";
import { addIntegers, type Integer, MIN_INTEGER, parseInteger } from "../integer.ts";
import type { CommandRequest } from "../request.ts";
import type { Session } from "../session.ts";
import { type Span, spanOf } from "../span.ts";

/** Strings longer than this are not the spelling of a 64-bit integer. */
const INTEGER_LENGTH = 20;

function get(session: Session, request: CommandRequest): void {
  replyValue(session, session.database.read(request.key(1)));
}

/** Replies with what an entry holds. */
function replyValue({ database, reply }: Session, entry: Entry): void {
  if (entry === NONE) reply.null();
  else reply.stored(database.value(entry));
}

function set(session: Session, request: CommandRequest): void {
  if (request.count > 3) return setWithOptions(session, request);
  session.database.set(request.key(1), request.value(2));
  session.reply.ok();
}

/** The options of SET that were given. */
interface SetOptions {
  condition?: "nx" | "xx";
  get?: true;
  keepTtl?: true;
  deadline?: Integer;
}

function setWithOptions(session: Session, request: CommandRequest): void {
  const { database, reply } = session;
  const options = readSetOptions(session, request);
  const key = request.key(1);
  const old = options.get ? database.read(key) : database.find(key);
  if (options.get) replyValue(session, old);
  if (options.condition === (old === NONE ? "xx" : "nx")) {
    if (!options.get) reply.null();
    return;
  }
  const value = request.value(2);
  if (options.keepTtl && old !== NONE) database.replace(old, value);
  else {
    const entry = database.set(key, value);
    if (options.deadline !== undefined) database.expireAt(entry, options.deadline);
  }
  if (!options.get) reply.ok();
}

function readSetOptions(session: Session, request: CommandRequest): SetOptions {
  const options: SetOptions = {};
  /** Where the number of EX and its like is, and what it means. */
  let time: { word: string; index: number; unit: number; base: number } | undefined;
  for (let i = 3; i < request.count; i++) {
    const word = request.word(i);
    if (word === "nx" || word === "xx") {
      if (options.condition !== undefined && options.condition !== word) throw syntaxError();
      options.condition = word;
    } else if (word === "get") options.get = true;
    else if (word === "keepttl" && time === undefined) options.keepTtl = true;
    else if (/^[ep]x(at)?$/.test(word) && !options.keepTtl && (time?.word ?? word) === word) {
      const base = word.endsWith("at") ? 0 : session.store.now;
      time = { word, index: ++i, unit: word.startsWith("p") ? 1 : 1000, base };
      if (i === request.count) throw syntaxError();
    } else throw syntaxError();
  }
  if (time !== undefined) {
    const amount = request.integer(time.index);
    if (amount <= 0) throw expiryError("set");
    options.deadline = expiryTime(amount, time.unit, time.base, "set");
  }
  return options;
}

function mget(session: Session, request: CommandRequest): void {
  session.reply.array(request.count - 1);
  for (let i = 1; i < request.count; i++) {
    replyValue(session, session.database.read(request.key(i)));
  }
}

function mset(session: Session, request: CommandRequest): void {
  if (request.count % 2 === 0) throw arityError("mset");
  for (let i = 1; i < request.count; i += 2) {
    session.database.set(request.key(i), request.value(i + 1));
  }
  session.reply.ok();
}

function append(session: Session, request: CommandRequest): void {
  const { database, reply, store } = session;
  const key = request.key(1);
  const tail = request.value(2);
  const entry = database.find(key);
  const length = tail.length + (entry === NONE ? 0 : database.value(entry).length);
  if (entry === NONE) {
    database.set(key, tail);
    return reply.integer(length);
  }
  if (length > store.maximumBulkLength) {
    throw new CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  }
  database.append(entry, tail);
  reply.integer(length);
}

function strlen({ database, reply }: Session, request: CommandRequest): void {
  const entry = database.read(request.key(1));
  reply.integer(entry === NONE ? 0 : database.value(entry).length);
}

/** Adds to the integer at the first key, which counts as 0 if there is none. */
function increase({ database, reply }: Session, request: CommandRequest, amount: Integer): void {
  const key = request.key(1);
  const entry = database.find(key);
  const old = entry === NONE ? 0 : integerOf(database.value(entry));
  if (old === undefined) throw new CommandError("ERR value is not an integer or out of range");
  const sum = addIntegers(old, amount);
  if (sum === undefined) throw new CommandError("ERR increment or decrement would overflow");
  const value = spanOf(String(sum));
  if (entry === NONE) database.set(key, value);
  else database.replace(entry, value);
  reply.integer(sum);
}

function integerOf(value: Span): Integer | undefined {
  return value.length > INTEGER_LENGTH ? undefined : parseInteger(value.text());
}

function decrby(session: Session, request: CommandRequest): void {
  const amount = request.integer(2);
  // The one integer whose negative does not fit.
  if (amount === MIN_INTEGER) throw new CommandError("ERR decrement would overflow");
  increase(session, request, -amount);
}

/** The commands on strings. */
export const stringCommands: readonly CommandOptions[] = [
  {
    name: "get",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [1, 1, 1],
    summary: "Get the value of a key",
    since: "1.0.0",
    group: "string",
    run: get,
  },
  {
    name: "set",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: [1, 1, 1],
    summary: "Set the string value of a key",
    since: "1.0.0",
    group: "string",
    run: set,
  },
  {
    name: "mget",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: [1, -1, 1],
    summary: "Get the values of all the given keys",
    since: "1.0.0",
    group: "string",
    run: mget,
  },
  {
    name: "mset",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: [1, -1, 2],
    summary: "Set multiple keys to multiple values",
    since: "1.0.1",
    group: "string",
    run: mset,
  },
  {
    name: "append",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: [1, 1, 1],
    summary: "Append a value to a key",
    since: "2.0.0",
    group: "string",
    run: append,
  },
  {
    name: "strlen",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [1, 1, 1],
    summary: "Get the length of the value stored in a key",
    since: "2.2.0",
    group: "string",
    run: strlen,
  },
  {
    name: "incr",
    arity: 2,
    flags: ["write", "denyoom", "fast"],
    keys: [1, 1, 1],
    summary: "Increment the integer value of a key by one",
    since: "1.0.0",
    group: "string",
    run: (session, request) => increase(session, request, 1),
  },
  {
    name: "decr",
    arity: 2,
    flags: ["write", "denyoom", "fast"],
    keys: [1, 1, 1],
    summary: "Decrement the integer value of a key by one",
    since: "1.0.0",
    group: "string",
    run: (session, request) => increase(session, request, -1),
  },
  {
    name: "incrby",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: [1, 1, 1],
    summary: "Increment the integer value of a key by the given amount",
    since: "1.0.0",
    group: "string",
    run: (session, request) => increase(session, request, request.integer(2)),
  },
  {
    name: "decrby",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: [1, 1, 1],
    summary: "Decrement the integer value of a key by the given amount",
    since: "1.0.0",
    group: "string",
    run: decrby,
  },
];
