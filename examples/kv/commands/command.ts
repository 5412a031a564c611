/**
 * The command COMMAND, which describes the others.
 *
 * @module
 */
import type { Command, CommandOptions, CommandTable } from "../command.ts";
import { CommandError, syntaxError } from "../errors.ts";
import { matchGlob } from "../glob.ts";
import { withHelp } from "../help.ts";
import type { ReplyBuffer } from "../reply.ts";
import type { CommandRequest } from "../request.ts";

const FLAGS = ["loading", "stale"];

/** The command with a name like `get` or `config|get`, given from the second argument on. */
function lookUp(table: CommandTable, name: string): Command | undefined {
  let found: Command | undefined;
  let level: CommandTable | undefined = table;
  for (const part of name.split("|")) {
    const bytes: Uint8Array = new TextEncoder().encode(part);
    found = level?.find(bytes, 0, bytes.length);
    level = found?.subcommands;
  }
  return found;
}

/** The ten fields of COMMAND INFO; what only a cluster or an access list would need is left empty. */
function replyInfo(reply: ReplyBuffer, command: Command): void {
  reply.array(10);
  reply.bulk(command.fullName);
  reply.integer(command.arity);
  reply.set(command.flags.length);
  for (const flag of command.flags) reply.simple(flag);
  for (const key of command.keys) reply.integer(key);
  reply.set(0); // Categories of the access list.
  reply.set(0); // Tips.
  reply.set(0); // Key specifications.
  reply.set(command.subcommands?.size ?? 0);
  for (const subcommand of command.subcommands ?? []) replyInfo(reply, subcommand);
}

/** The name of a command and what there is to read about it. */
function replyDocs(reply: ReplyBuffer, command: Command): void {
  const { subcommands } = command;
  reply.bulk(command.fullName);
  reply.map(subcommands === undefined ? 3 : 4);
  reply.bulk("summary");
  reply.bulk(command.summary);
  reply.bulk("since");
  reply.bulk(command.since);
  reply.bulk("group");
  reply.bulk(command.group);
  if (subcommands === undefined) return;
  reply.bulk("subcommands");
  reply.map(subcommands.size);
  for (const subcommand of subcommands) replyDocs(reply, subcommand);
}

function replyAll(reply: ReplyBuffer, table: CommandTable): void {
  reply.array(table.size);
  for (const command of table) replyInfo(reply, command);
}

/** The names of all commands, or of those that a pattern matches. */
function list(table: CommandTable, request: CommandRequest): string[] {
  const names = [...table].map(({ name }) => name);
  if (request.count === 2) return names;
  if (request.count !== 5 || request.word(2) !== "filterby") throw syntaxError();
  const pattern = request.word(4);
  switch (request.word(3)) {
    case "pattern":
      return names.filter((name) => matchGlob(pattern, name));
    case "module":
    case "aclcat":
      // There are no modules, and no categories of an access list.
      return [];
    default:
      throw syntaxError();
  }
}

/** Where the keys are among the arguments of a command that a request quotes from its third on. */
function keyPlaces(table: CommandTable, request: CommandRequest): number[] {
  const count = request.count - 2;
  let command = lookUp(table, request.text(2));
  if (command?.subcommands !== undefined && count > 1) {
    command = lookUp(command.subcommands, request.text(3));
  }
  if (command === undefined) throw new CommandError("ERR Invalid command specified");
  const { arity, keys: [first, last, step] } = command;
  if (first === 0) throw new CommandError("ERR The command has no key arguments");
  if (arity >= 0 ? count !== arity : count < -arity) {
    throw new CommandError("ERR Invalid number of arguments specified for command");
  }
  const places: number[] = [];
  for (let i = first; i <= (last < 0 ? count + last : last); i += step) places.push(i + 2);
  return places;
}

/** The commands that a request names from its third argument on. */
function named(table: CommandTable, request: CommandRequest): (Command | undefined)[] {
  const commands: (Command | undefined)[] = [];
  for (let i = 2; i < request.count; i++) commands.push(lookUp(table, request.text(i)));
  return commands;
}

/**
 * The command COMMAND.
 *
 * @param table Returns the table of all commands, which is made after this.
 */
export function commandCommands(table: () => CommandTable): readonly CommandOptions[] {
  const subcommands: readonly CommandOptions[] = [
    {
      name: "count",
      arity: 2,
      flags: FLAGS,
      summary: "Return the number of commands",
      since: "2.8.13",
      group: "server",
      run: ({ reply }) => reply.integer(table().size),
    },
    {
      name: "info",
      arity: -2,
      flags: FLAGS,
      summary: "Return details about commands: all, or [<name> ...]",
      since: "2.8.13",
      group: "server",
      run: ({ reply }, request) => {
        if (request.count === 2) return replyAll(reply, table());
        reply.array(request.count - 2);
        for (const command of named(table(), request)) {
          if (command === undefined) reply.null();
          else replyInfo(reply, command);
        }
      },
    },
    {
      name: "list",
      arity: -2,
      flags: FLAGS,
      summary: "Return the names of commands: all, or FILTERBY PATTERN <pattern>",
      since: "7.0.0",
      group: "server",
      run: ({ reply }, request) => {
        const names = list(table(), request);
        reply.array(names.length);
        for (const name of names) reply.bulk(name);
      },
    },
    {
      name: "getkeys",
      arity: -4,
      flags: FLAGS,
      summary: "Return the keys of a full command",
      since: "2.8.13",
      group: "server",
      run: ({ reply }, request) => {
        const places = keyPlaces(table(), request);
        reply.array(places.length);
        for (const place of places) reply.value(request.value(place));
      },
    },
    {
      name: "docs",
      arity: -2,
      flags: FLAGS,
      summary: "Return documentation about commands: all, or [<name> ...]",
      since: "7.0.0",
      group: "server",
      run: ({ reply }, request) => {
        const chosen = request.count === 2 ? [...table()] : named(table(), request);
        const known = chosen.filter((command) => command !== undefined);
        reply.map(known.length);
        for (const command of known) replyDocs(reply, command);
      },
    },
  ];
  return [{
    name: "command",
    arity: -1,
    flags: FLAGS,
    summary: "Get array of command details",
    since: "2.8.13",
    group: "server",
    subcommands: withHelp("COMMAND", "server", subcommands),
    run: ({ reply }) => replyAll(reply, table()),
  }];
}
