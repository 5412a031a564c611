/**
 * Who takes part in a measurement: every server that there is for a protocol, ours and the peers. Who cannot
 * take part on this machine is found out by looking, and named with the reason.
 *
 * @module
 */
import { assertKnown, BenchmarkError } from "../_harness/command_line.ts";
import type { Machine } from "../_harness/machine.ts";
import { type Route, routed } from "../_harness/route.ts";
import { Server, type ServerCommand } from "../_harness/server.ts";
import { traced } from "../_harness/targets.ts";
import { isOnLoopback, type Reach, reach, WAY_NAMES } from "./reach.ts";
import {
  type Entry,
  type OurEntry,
  OURS,
  PEERS,
  type Protocol,
  REQUESTS,
  type Runtime,
  SUBJECT_IDS,
} from "./servers.ts";

export { type Protocol, type Runtime, SUBJECT_IDS };

const IDLE_POLICIES = ["spin", "adaptive", "park"];

/** A server that can be measured here. */
export interface Subject {
  /** What tables call it; no two subjects of a protocol have the same name. */
  readonly name: string;
  /** Its name on the command line. One of ours has the same on every libOS. */
  readonly id: string;
  /** Whose engine runs it. */
  readonly runtime: Runtime;
  /** The libOS that it is on, if it is ours. */
  readonly libos?: string;
  /** Starts it. On V8 it tells of its pauses. */
  readonly command: ServerCommand;
  /** Whether it serves more than one client at a time. */
  readonly many: boolean;
}

/** A server that cannot be measured here. */
export interface SkippedSubject {
  /** What tables call it. */
  readonly name: string;
  /** Its name on the command line. */
  readonly id: string;
  /** Why not, and what to do. */
  readonly skipped: string;
}

/** A server, measurable or not. */
export type Candidate = Subject | SkippedSubject;

/** Which servers to look for. */
export interface SubjectOptions {
  /**
   * The libOSes that ours run on, by their names in {@linkcode WAY_NAMES}: any that are on the kernel's loopback, or one that
   * is on another wire, over which the peers are measured then, too.
   */
  readonly libos: readonly string[];
  /** Their idle policies: each of ours is there with each of them. @default {["adaptive"]} */
  readonly idle?: readonly string[] | undefined;
  /** The ids that are wanted; those of another protocol are passed over. @default All of them. */
  readonly only?: readonly string[];
  /** Whether to fetch from npm what is not installed, which is Bun. @default {true} */
  readonly fetch?: boolean;
}

/** The candidates, and the files and the wires that they need; dispose of it when the last of them has been stopped. */
export class Subjects implements Disposable {
  /** Those that can be measured, in the order in which they are to be shown. */
  readonly available: readonly Subject[];
  /** Those that cannot. */
  readonly skipped: readonly SkippedSubject[];
  /** What is between the client and the servers, in a few words. */
  readonly wire: string;
  readonly #way: Reach;

  /** Takes over the way to them. */
  constructor(readonly candidates: readonly Candidate[], way: Reach) {
    this.available = candidates.filter((candidate) => "command" in candidate);
    this.skipped = candidates.filter((candidate) => "skipped" in candidate);
    this.wire = way.wire;
    this.#way = way;
  }

  /** Removes the files and the wires. */
  [Symbol.dispose](): void {
    this.#way[Symbol.dispose]();
  }
}

/** What is looked for, and where. */
interface Search {
  readonly machine: Machine;
  readonly protocol: Protocol;
  readonly way: Reach;
  /** Why the libOS of ours cannot be reached; `undefined` if it can. */
  readonly unreachable: string | undefined;
  readonly idle: readonly string[];
  readonly fetch: boolean;
}

/**
 * Finds the servers for a protocol: the peers, then ours on each libOS, all over the same kind of wire. Builds the peers in C, fetches Bun, and
 * tries each libOS.
 *
 * @throws {BenchmarkError} If there is no such id or libOS, or the libOSes are on different wires.
 */
export async function subjects(
  machine: Machine,
  protocol: Protocol,
  { libos: liboses, idle = ["adaptive"], only = SUBJECT_IDS, fetch = true }: SubjectOptions,
): Promise<Subjects> {
  assertKnown("subject", only, SUBJECT_IDS);
  assertKnown("libOS", liboses, WAY_NAMES);
  assertKnown("idle policy", idle, IDLE_POLICIES);
  assertOneWire(liboses);
  const isWanted = ({ id }: { id: string }) => only.includes(id);
  const { way, unreachable } = findWay(machine, liboses[0] ?? "catnap");
  const search = { machine, protocol, way, unreachable, idle, fetch };
  const candidates: Candidate[] = [];
  try {
    for (const entry of PEERS[protocol].filter(isWanted)) {
      if (entry.only !== undefined && !liboses.includes(entry.only)) continue;
      candidates.push(await examinePeer(entry, search));
    }
    for (const libos of liboses) {
      candidates.push(...await examineOurs(libos, isWanted, search));
    }
    return new Subjects(candidates, way);
  } catch (error) {
    way[Symbol.dispose]();
    throw error;
  }
}

/** Where a libOS cannot be reached, the peers are measured as they are everywhere. */
function findWay(machine: Machine, libos: string): Pick<Search, "way" | "unreachable"> {
  const way = reach(machine, libos);
  if (!("skipped" in way)) return { way, unreachable: undefined };
  return { way: reach(machine, "catnap") as Reach, unreachable: way.skipped };
}

async function examinePeer(
  { find, onLibos, only, ...facts }: Entry,
  { machine, way, fetch }: Search,
): Promise<Candidate> {
  try {
    const ofUpstream = only === undefined ? way.upstream?.route : undefined;
    const route = onLibos ? ofUpstream ?? way.libos : way.kernel;
    if (route === undefined) {
      throw new BenchmarkError(`the kernel's sockets cannot be at the server's end of ${way.wire}`);
    }
    const command = routed(await find({ machine, upstream: way.upstream, fetch }), route);
    return {
      ...facts,
      many: facts.many && isForMany(route),
      command: facts.runtime === "v8" ? traced(command) : command,
    };
  } catch (error) {
    return { id: facts.id, name: facts.name, skipped: reasonOf(error) };
  }
}

/** Whether a libOS works is the same for all its handlers: one of them is tried. */
async function examineOurs(
  libos: string,
  isWanted: (entry: OurEntry) => boolean,
  { machine, protocol, way: { libos: route }, unreachable, idle }: Search,
): Promise<Candidate[]> {
  const found = OURS[protocol].filter(isWanted).flatMap(({ id, command }) =>
    idle.map((policy) => ({ id, command: routed(command(policy, libos), route) }))
  );
  const [first] = found;
  if (first === undefined) return [];
  const skipped = unreachable ?? await whyNot(machine, first.command, protocol);
  if (skipped !== undefined) {
    return found.map(({ id, command: { name } }) => ({ id, name, skipped }));
  }
  return found.map(({ id, command }) => ({
    id,
    name: command.name,
    runtime: "v8",
    libos,
    command: traced(command),
    many: isForMany(route),
  }));
}

/** Thousands of connections, of which each may fall silent, never end; our clients have them where the stack is ours. */
function isForMany({ client, stalls }: Route): boolean {
  return !stalls && (client === undefined || client.device !== undefined);
}

/** Why one of ours cannot be measured; `undefined` if it answers a request. */
async function whyNot(
  machine: Machine,
  command: ServerCommand,
  protocol: Protocol,
): Promise<string | undefined> {
  try {
    await using server = await Server.start(machine, command);
    await REQUESTS[protocol](machine, server, 1);
    return undefined;
  } catch (error) {
    return reasonOfOurs(error);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof BenchmarkError) return error.message;
  throw error;
}

/** Ours is skipped when it says itself that it cannot run. Any other failure is no reason to leave it out. */
function reasonOfOurs(error: unknown): string {
  const said = /\n\s*error: (?!Uncaught)([^]*)/.exec(reasonOf(error))?.[1];
  if (said === undefined) throw error;
  return said;
}

function assertOneWire(liboses: readonly string[]): void {
  const other = liboses.find((libos) => !isOnLoopback(libos));
  if (other === undefined || liboses.length === 1) return;
  throw new BenchmarkError(
    `Cannot measure ${
      liboses.join(", ")
    } in one run: ${other} is on a wire of its own, on which its peers are, ` +
      "too; measure it alone",
  );
}
