/**
 * The subcommand HELP.
 *
 * @module
 */
import type { CommandOptions } from "./command.ts";

/**
 * The subcommands given, and HELP, which lists them.
 *
 * @param name The command that they belong to, in capitals.
 * @param group The family of that command.
 * @param subcommands The others.
 */
export function withHelp(
  name: string,
  group: CommandOptions["group"],
  subcommands: readonly CommandOptions[],
): readonly CommandOptions[] {
  const help: CommandOptions = {
    name: "help",
    arity: 2,
    flags: ["loading", "stale"],
    summary: "Show helpful text about the different subcommands",
    since: "5.0.0",
    group,
    run: ({ reply }) => {
      reply.array(1 + all.length * 2);
      reply.simple(`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
      for (const subcommand of all) {
        reply.simple(subcommand.name.toUpperCase());
        reply.simple(`    ${subcommand.summary}.`);
      }
    },
  };
  const all = [...subcommands, help];
  return all;
}
