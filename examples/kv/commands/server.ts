/**
 * Commands on the server as a whole: INFO and CONFIG.
 *
 * @module
 */
import type { CommandOptions } from "../command.ts";
import { matchGlob } from "../glob.ts";
import { withHelp } from "../help.ts";
import { describeStore } from "../info.ts";
import type { CommandRequest } from "../request.ts";
import type { Session } from "../session.ts";

const FLAGS = ["admin", "noscript", "loading", "stale"];

function info(session: Session, request: CommandRequest): void {
  const sections: string[] = [];
  for (let i = 1; i < request.count; i++) sections.push(request.word(i));
  session.reply.verbatim(describeStore(session.store, sections));
}

function configGet({ store, reply }: Session, request: CommandRequest): void {
  const { configuration } = store;
  /** What each is called in the reply, by its name. */
  const found = new Map<string, string>();
  for (let i = 2; i < request.count; i++) {
    const pattern = request.word(i);
    for (const name of configuration.keys()) {
      if (found.has(name)) continue;
      // A name that is given in full comes back as it was spelled.
      if (name === pattern) found.set(name, request.text(i));
      else if (matchGlob(pattern, name)) found.set(name, name);
    }
  }
  reply.map(found.size);
  for (const [name, spelled] of found) {
    reply.bulk(spelled);
    reply.bulk(configuration.get(name)!);
  }
}

function configResetStat({ store, reply }: Session): void {
  store.resetStatistics();
  reply.ok();
}

/** The commands on the server. */
export const serverCommands: readonly CommandOptions[] = [
  {
    name: "info",
    arity: -1,
    flags: ["loading", "stale"],
    summary: "Get information and statistics about the server",
    since: "1.0.0",
    group: "server",
    run: info,
  },
  {
    name: "config",
    arity: -2,
    flags: [],
    summary: "A container for server configuration commands",
    since: "2.0.0",
    group: "server",
    subcommands: withHelp("CONFIG", "server", [
      {
        name: "get",
        arity: -3,
        flags: FLAGS,
        summary: "Get the values of configuration parameters",
        since: "2.0.0",
        group: "server",
        run: configGet,
      },
      {
        name: "resetstat",
        arity: 2,
        flags: FLAGS,
        summary: "Reset the stats returned by INFO",
        since: "2.0.0",
        group: "server",
        run: configResetStat,
      },
    ]),
  },
];
