/**
 * Commands on the time that a key has left.
 *
 * @module
 */
import type { CommandOptions } from "../command.ts";
import { NONE } from "../database.ts";
import { CommandError, excerpt } from "../errors.ts";
import { expiryTime } from "../expiry_time.ts";
import type { Integer } from "../integer.ts";
import type { CommandRequest } from "../request.ts";
import type { Session } from "../session.ts";

/** Conditions on the deadline that a key has. */
type Condition = "nx" | "xx" | "gt" | "lt";

/** Sets a deadline: the amount in `request` counts `unit` milliseconds from `base`. */
function expire(
  session: Session,
  request: CommandRequest,
  command: string,
  unit: number,
  base: number,
): void {
  const { database, reply, store } = session;
  const conditions = readConditions(request);
  const deadline = expiryTime(request.integer(2), unit, base, command);
  const key = request.key(1);
  const entry = database.find(key);
  if (entry === NONE || !holds(conditions, database.deadline(entry), deadline)) {
    return reply.integer(0);
  }
  if (deadline <= store.now) database.delete(key);
  else database.expireAt(entry, deadline);
  reply.integer(1);
}

function readConditions(request: CommandRequest): Set<Condition> {
  const conditions = new Set<Condition>();
  for (let i = 3; i < request.count; i++) {
    const word = request.word(i);
    if (word !== "nx" && word !== "xx" && word !== "gt" && word !== "lt") {
      throw new CommandError(`ERR Unsupported option ${excerpt(request.text(i), Infinity)}`);
    }
    conditions.add(word);
  }
  if (conditions.has("nx") && conditions.size > 1) {
    throw new CommandError(
      "ERR NX and XX, GT or LT options at the same time are not compatible",
    );
  }
  if (conditions.has("gt") && conditions.has("lt")) {
    throw new CommandError("ERR GT and LT options at the same time are not compatible");
  }
  return conditions;
}

/** Whether a key with the deadline `old`, or with none, may get the deadline `deadline`. */
function holds(conditions: Set<Condition>, old: Integer | undefined, deadline: Integer): boolean {
  for (const condition of conditions) {
    switch (condition) {
      case "nx":
        if (old !== undefined) return false;
        break;
      case "xx":
        if (old === undefined) return false;
        break;
      case "gt":
        // No deadline is later than any.
        if (deadline <= (old ?? Infinity)) return false;
        break;
      case "lt":
        if (deadline >= (old ?? Infinity)) return false;
    }
  }
  return true;
}

/** Replies with the time that a key has left, in units of so many milliseconds. */
function timeLeft(session: Session, request: CommandRequest, unit: number): void {
  const { database, reply, store } = session;
  const entry = database.read(request.key(1));
  if (entry === NONE) return reply.integer(-2);
  const deadline = database.deadline(entry);
  if (deadline === undefined) return reply.integer(-1);
  // Rounded to the nearest unit, and up from the middle between two.
  const half = unit >> 1;
  if (typeof deadline === "number") {
    return reply.integer(Math.floor((deadline - store.now + half) / unit));
  }
  reply.integer((deadline - BigInt(store.now) + BigInt(half)) / BigInt(unit));
}

function persist(session: Session, request: CommandRequest): void {
  const entry = session.database.find(request.key(1));
  session.reply.integer(entry !== NONE && session.database.persist(entry) ? 1 : 0);
}

/** The commands on expiry. */
export const expiryCommands: readonly CommandOptions[] = [
  {
    name: "expire",
    arity: -3,
    flags: ["write", "fast"],
    keys: [1, 1, 1],
    summary: "Set a key's time to live in seconds",
    since: "1.0.0",
    group: "generic",
    run: (session, request) => expire(session, request, "expire", 1000, session.store.now),
  },
  {
    name: "pexpire",
    arity: -3,
    flags: ["write", "fast"],
    keys: [1, 1, 1],
    summary: "Set a key's time to live in milliseconds",
    since: "2.6.0",
    group: "generic",
    run: (session, request) => expire(session, request, "pexpire", 1, session.store.now),
  },
  {
    name: "expireat",
    arity: -3,
    flags: ["write", "fast"],
    keys: [1, 1, 1],
    summary: "Set the expiration for a key as a UNIX timestamp",
    since: "1.2.0",
    group: "generic",
    run: (session, request) => expire(session, request, "expireat", 1000, 0),
  },
  {
    name: "pexpireat",
    arity: -3,
    flags: ["write", "fast"],
    keys: [1, 1, 1],
    summary: "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
    since: "2.6.0",
    group: "generic",
    run: (session, request) => expire(session, request, "pexpireat", 1, 0),
  },
  {
    name: "ttl",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [1, 1, 1],
    summary: "Get the time to live for a key in seconds",
    since: "1.0.0",
    group: "generic",
    run: (session, request) => timeLeft(session, request, 1000),
  },
  {
    name: "pttl",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [1, 1, 1],
    summary: "Get the time to live for a key in milliseconds",
    since: "2.6.0",
    group: "generic",
    run: (session, request) => timeLeft(session, request, 1),
  },
  {
    name: "persist",
    arity: 2,
    flags: ["write", "fast"],
    keys: [1, 1, 1],
    summary: "Remove the expiration from a key",
    since: "2.2.0",
    group: "generic",
    run: persist,
  },
];
