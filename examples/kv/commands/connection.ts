/**
 * Commands on the connection: what it speaks, and which database it uses.
 *
 * @module
 */
import type { CommandOptions } from "../command.ts";
import { arityError, CommandError, excerpt } from "../errors.ts";
import { parseInteger } from "../integer.ts";
import type { CommandRequest } from "../request.ts";
import type { Session } from "../session.ts";
import { REDIS_VERSION } from "../version.ts";
import { setName } from "./client.ts";

const MAX_INT = 2 ** 31 - 1;

function ping(session: Session, request: CommandRequest): void {
  if (request.count > 2) throw arityError("ping");
  if (request.count === 2) echo(session, request);
  else session.reply.simple("PONG");
}

function echo({ reply }: Session, request: CommandRequest): void {
  const value = request.value(1);
  // What has memory of its own can wait there.
  if (value.movable) reply.stored(value);
  else reply.value(value);
}

function select(session: Session, request: CommandRequest): void {
  const index = Number(request.integer(1));
  if (index > MAX_INT || index < -MAX_INT - 1) {
    throw new CommandError(
      `ERR value is out of range, value must between ${-MAX_INT - 1} and ${MAX_INT}`,
    );
  }
  if (!session.select(index)) throw new CommandError("ERR DB index is out of range");
  session.reply.ok();
}

function quit(session: Session): void {
  session.reply.ok();
  session.end();
}

function reset(session: Session): void {
  session.reset();
  session.reply.simple("RESET");
}

function hello(session: Session, request: CommandRequest): void {
  const { reply } = session;
  let protocol = reply.protocol;
  if (request.count > 1) {
    const version = parseInteger(request.text(1));
    if (version === undefined) {
      throw new CommandError("ERR Protocol version is not an integer or out of range");
    }
    if (version !== 2 && version !== 3) {
      throw new CommandError("NOPROTO unsupported protocol version");
    }
    protocol = version;
  }
  for (let i = 2; i < request.count; i++) {
    const option = request.word(i);
    const more = request.count - 1 - i;
    if (option === "auth" && more >= 2) {
      // There is one user, `default`, and any password will do for it, as in a Redis without one.
      if (request.text(i + 1) !== "default") {
        throw new CommandError("WRONGPASS invalid username-password pair or user is disabled.");
      }
      i += 2;
    } else if (option === "setname" && more >= 1) {
      setName(session, request.text(++i));
    } else {
      throw new CommandError(
        `ERR Syntax error in HELLO option '${excerpt(request.text(i), Infinity)}'`,
      );
    }
  }
  reply.protocol = protocol;
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(REDIS_VERSION);
  reply.bulk("proto");
  reply.integer(protocol);
  reply.bulk("id");
  reply.integer(session.id);
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk("master");
  reply.bulk("modules");
  reply.array(0);
}

/** The commands on the connection, without CLIENT. */
export const connectionCommands: readonly CommandOptions[] = [
  {
    name: "ping",
    arity: -1,
    flags: ["fast"],
    summary: "Ping the server",
    since: "1.0.0",
    group: "connection",
    run: ping,
  },
  {
    name: "echo",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    summary: "Echo the given string",
    since: "1.0.0",
    group: "connection",
    run: echo,
  },
  {
    name: "select",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    summary: "Change the selected database for the current connection",
    since: "1.0.0",
    group: "connection",
    run: select,
  },
  {
    name: "quit",
    arity: -1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    summary: "Close the connection",
    since: "1.0.0",
    group: "connection",
    run: quit,
  },
  {
    name: "reset",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    summary: "Reset the connection",
    since: "6.2.0",
    group: "connection",
    run: reset,
  },
  {
    name: "hello",
    arity: -1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    summary: "Handshake with Redis",
    since: "6.0.0",
    group: "connection",
    run: hello,
  },
];
