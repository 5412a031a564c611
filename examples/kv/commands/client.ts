/**
 * The command CLIENT: who is connected, and what they want.
 *
 * @module
 */
import type { CommandOptions } from "../command.ts";
import { CommandError, excerpt, syntaxError } from "../errors.ts";
import { withHelp } from "../help.ts";
import { parseInteger } from "../integer.ts";
import type { CommandRequest } from "../request.ts";
import type { Session } from "../session.ts";

const FLAGS = ["noscript", "loading", "stale"];

/**
 * Gives a client a name.
 *
 * @param session The client.
 * @param name The name; the empty one takes the name away.
 * @throws {CommandError} If the name has characters that would spoil the lines of CLIENT LIST.
 */
export function setName(session: Session, name: string): void {
  if (!/^[!-~]*$/.test(name)) {
    throw new CommandError(
      "ERR Client names cannot contain spaces, newlines or special characters.",
    );
  }
  session.name = name;
}

/** One line of CLIENT LIST. */
function describe(session: Session): string {
  const { store, info, reply } = session;
  const fields = {
    id: session.id,
    addr: info.address ?? "",
    laddr: info.localAddress ?? "",
    fd: -1,
    name: session.name,
    age: Math.floor((store.now - session.connectedAt) / 1000),
    idle: Math.floor((store.now - session.activeAt) / 1000),
    flags: session.noEvict ? "e" : "N",
    db: session.databaseIndex,
    sub: 0,
    psub: 0,
    ssub: 0,
    multi: -1,
    obl: reply.length,
    oll: 0,
    omem: 0,
    events: "r",
    cmd: session.lastCommand,
    user: "default",
    redir: -1,
    resp: reply.protocol,
  };
  return Object.entries(fields).map(([name, value]) => `${name}=${value}`).join(" ") + "\n";
}

function list(session: Session, request: CommandRequest): void {
  const { sessions } = session.store;
  let chosen: Iterable<Session> = sessions.values();
  if (request.count > 2) {
    const option = request.word(2);
    if (option === "type" && request.count === 4) {
      if (readType(request, 3) !== "normal") chosen = [];
    } else if (option === "id" && request.count > 3) {
      chosen = readIds(request).flatMap((id) => sessions.get(id) ?? []);
    } else {
      throw syntaxError();
    }
  }
  let lines = "";
  for (const one of chosen) lines += describe(one);
  session.reply.verbatim(lines);
}

/** The types of clients that the filters know; of all but the first there are none here. */
const TYPES = ["normal", "master", "replica", "slave", "pubsub"];

/** A type of clients, as an argument names it. */
function readType(request: CommandRequest, index: number): string {
  const type = request.word(index);
  if (TYPES.includes(type)) return type;
  throw new CommandError(`ERR Unknown client type '${excerpt(request.text(index), Infinity)}'`);
}

function readIds(request: CommandRequest): number[] {
  const ids: number[] = [];
  for (let i = 3; i < request.count; i++) {
    const id = parseInteger(request.text(i));
    if (id === undefined) throw new CommandError("ERR Invalid client ID");
    ids.push(Number(id));
  }
  return ids;
}

/** Closes the connections of the clients that all filters fit; from an address alone, that of one. */
function kill(session: Session, request: CommandRequest): void {
  const { sessions } = session.store;
  const byAddress = request.count === 3;
  const fits = byAddress ? addressFilter(request.text(2)) : readFilters(session, request);
  const chosen = [...sessions.values()].filter(fits);
  if (!byAddress) session.reply.integer(chosen.length);
  else if (chosen.length > 0) session.reply.ok();
  else throw new CommandError("ERR No such client");
  for (const one of chosen) one.kill();
}

type Filter = (session: Session) => boolean;

function addressFilter(address: string): Filter {
  return ({ info }) => info.address === address;
}

function readFilters(self: Session, request: CommandRequest): Filter {
  const filters: Filter[] = [];
  let skipSelf = true;
  for (let i = 2; i < request.count; i += 2) {
    const option = request.word(i);
    if (i + 1 === request.count) throw syntaxError();
    const text = request.text(i + 1);
    if (option === "id") {
      const id = parseInteger(text);
      if (id === undefined || id < 1) {
        throw new CommandError("ERR client-id should be greater than 0");
      }
      filters.push((one) => one.id === id);
    } else if (option === "type") {
      const type = readType(request, i + 1);
      filters.push(() => type === "normal");
    } else if (option === "addr") filters.push(addressFilter(text));
    else if (option === "laddr") filters.push(({ info }) => info.localAddress === text);
    else if (option === "user") {
      if (text !== "default") {
        throw new CommandError(`ERR No such user '${excerpt(text, Infinity)}'`);
      }
    } else if (option === "skipme" && /^(yes|no)$/i.test(text)) skipSelf = /^yes$/i.test(text);
    else throw syntaxError();
  }
  return (one) => !(skipSelf && one === self) && filters.every((fits) => fits(one));
}

function replyMode(session: Session, request: CommandRequest): void {
  switch (request.word(2)) {
    case "on":
      session.replyMode = "on";
      session.reply.ok();
      break;
    case "off":
      session.replyMode = "off";
      break;
    case "skip":
      if (session.replyMode !== "off") session.replyMode = "skip next";
      break;
    default:
      throw syntaxError();
  }
}

function noEvict(session: Session, request: CommandRequest): void {
  const word = request.word(2);
  if (word !== "on" && word !== "off") throw syntaxError();
  session.noEvict = word === "on";
  session.reply.ok();
}

const subcommands: readonly CommandOptions[] = [
  {
    name: "id",
    arity: 2,
    flags: FLAGS,
    summary: "Return the ID of the current connection",
    since: "5.0.0",
    group: "connection",
    run: (session) => session.reply.integer(session.id),
  },
  {
    name: "getname",
    arity: 2,
    flags: FLAGS,
    summary: "Return the name of the current connection",
    since: "2.6.9",
    group: "connection",
    run: ({ name, reply }) => name === "" ? reply.null() : reply.bulk(name),
  },
  {
    name: "setname",
    arity: 3,
    flags: FLAGS,
    summary: "Assign a name to the current connection",
    since: "2.6.9",
    group: "connection",
    run: (session, request) => {
      setName(session, request.text(2));
      session.reply.ok();
    },
  },
  {
    name: "getredir",
    arity: 2,
    flags: FLAGS,
    summary: "Return -1, as tracking of keys does not exist here",
    since: "6.0.0",
    group: "connection",
    run: (session) => session.reply.integer(-1),
  },
  {
    name: "info",
    arity: 2,
    flags: FLAGS,
    summary: "Return information about the current connection",
    since: "6.2.0",
    group: "connection",
    run: (session) => session.reply.verbatim(describe(session)),
  },
  {
    name: "list",
    arity: -2,
    flags: ["admin", ...FLAGS],
    summary: "Return information about connections: all, TYPE <type> or ID <id> [<id> ...]",
    since: "2.4.0",
    group: "connection",
    run: list,
  },
  {
    name: "kill",
    arity: -3,
    flags: ["admin", ...FLAGS],
    summary:
      "Close connections: <ip:port>, or those that ID, TYPE, ADDR, LADDR, USER, SKIPME choose",
    since: "2.4.0",
    group: "connection",
    run: kill,
  },
  {
    name: "reply",
    arity: 3,
    flags: FLAGS,
    summary: "Control the replies sent to the current connection: ON, OFF or SKIP",
    since: "3.2.0",
    group: "connection",
    run: replyMode,
  },
  {
    name: "no-evict",
    arity: 3,
    flags: ["admin", ...FLAGS],
    summary: "Accepted for compatibility, as nothing is evicted: ON or OFF",
    since: "7.0.0",
    group: "connection",
    run: noEvict,
  },
];

/** The command CLIENT. */
export const clientCommands: readonly CommandOptions[] = [
  {
    name: "client",
    arity: -2,
    flags: [],
    summary: "A container for client connection commands",
    since: "2.4.0",
    group: "connection",
    subcommands: withHelp("CLIENT", "connection", subcommands),
  },
];
