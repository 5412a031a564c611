/**
 * What a command is, and the table that finds one by its name.
 *
 * @module
 */
import { arityError } from "./errors.ts";
import type { CommandRequest } from "./request.ts";
import type { Session } from "./session.ts";

/** The families of commands, as COMMAND DOCS names them. */
export type CommandGroup = "connection" | "generic" | "server" | "string";

/** How a command is declared. */
export interface CommandOptions {
  /** The name in lower case. */
  name: string;
  /** How many arguments there are, with the name; or minus the least number of them. */
  arity: number;
  /** What COMMAND INFO says of the command, in Redis' words: `readonly`, `fast` and so on. */
  flags: readonly string[];
  /** Where the keys are: the index of the first, of the last (from the end if negative), and the step. */
  keys?: readonly [first: number, last: number, step: number];
  /** One line for people. */
  summary: string;
  /** The version of Redis that brought the command. */
  since: string;
  /** The family. */
  group: CommandGroup;
  /** The second words of a command that does nothing by itself. */
  subcommands?: readonly CommandOptions[];
  /**
   * Runs the command: reads the arguments of `request`, replies into `session.reply`.
   *
   * A command that has subcommands runs only where `arity` allows it to stand alone.
   *
   * @throws {CommandError} To reply with an error.
   */
  run?: (session: Session, request: CommandRequest) => void;
}

/** A command, declared and ready to run. */
export interface Command extends Required<Omit<CommandOptions, "subcommands">> {
  /** The name with that of the command it belongs to: `config|get`. */
  fullName: string;
  /** The subcommands, if the command has some. */
  subcommands: CommandTable | undefined;
}

/** A letter and its capital differ in this bit. */
const CASE_BIT = 0x20;

/**
 * Commands by name, whatever its case.
 *
 * The name is looked up as the bytes it came in: a hash table of our own needs no string for that.
 */
export class CommandTable implements Iterable<Command> {
  #slots: (Command | undefined)[] = [];
  #commands: Command[] = [];

  /**
   * @param declarations The commands.
   * @param parent The name of the command that they are subcommands of.
   */
  constructor(declarations: Iterable<CommandOptions>, parent?: string) {
    for (const options of declarations) this.#commands.push(makeCommand(options, parent));
    let size = 8;
    while (size < this.#commands.length * 4) size *= 2;
    this.#slots = new Array(size).fill(undefined);
    for (const command of this.#commands) {
      const name = new TextEncoder().encode(command.name);
      let slot = hash(name, 0, name.length) & (size - 1);
      while (this.#slots[slot] !== undefined) slot = (slot + 1) & (size - 1);
      this.#slots[slot] = command;
    }
  }

  /** How many commands there are, without subcommands. */
  get size(): number {
    return this.#commands.length;
  }

  /** The commands in the order of their declaration. */
  [Symbol.iterator](): Iterator<Command> {
    return this.#commands[Symbol.iterator]();
  }

  /**
   * The command whose name is the bytes from `start` to `end`.
   *
   * @param bytes The bytes.
   * @param start Index of the first byte of the name.
   * @param end Index after its last byte.
   */
  find(bytes: Uint8Array, start: number, end: number): Command | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash(bytes, start, end) & mask;; slot = (slot + 1) & mask) {
      const command = slots[slot];
      if (command === undefined || equals(command.name, bytes, start, end)) return command;
    }
  }
}

function makeCommand(options: CommandOptions, parent: string | undefined): Command {
  const { name, arity, flags, keys = [0, 0, 0], summary, since, group, subcommands } = options;
  const fullName = parent === undefined ? name : `${parent}|${name}`;
  return {
    name,
    fullName,
    arity,
    flags,
    keys,
    summary,
    since,
    group,
    subcommands: subcommands && new CommandTable(subcommands, fullName),
    run: options.run ?? (() => {
      throw arityError(fullName);
    }),
  };
}

/** A hash of a name that is the same for capitals; the ends and the length tell names apart well enough. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0;
  const middle = bytes[start + ((end - start) >> 1)]! | CASE_BIT;
  const first = bytes[start]! | CASE_BIT;
  const last = bytes[end - 1]! | CASE_BIT;
  return first * 31 + middle * 7 + last * 3 + (end - start);
}

function equals(name: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    const byte = bytes[start + i]!;
    if (byte !== code && (byte | CASE_BIT) !== code) return false;
  }
  return true;
}
