/**
 * Who takes part in a measurement: every server that there is for a protocol, ours and the peers. Who cannot
 * take part on this machine is found out by looking, and named with the reason.
 *
 * @module
 */
import { findBun } from "../_harness/bun.ts";
import { checkTcpEcho, checkUdpEcho, UnreachableError } from "../_harness/check_echo.ts";
import { BenchmarkError } from "../_harness/command_line.ts";
import { cDemikernelEcho, NativeConfigurationFile } from "../_harness/demikernel_peer.ts";
import type { Machine } from "../_harness/machine.ts";
import { findNode } from "../_harness/node.ts";
import { checkKeyValueServer } from "../_harness/redis_protocol.ts";
import { Server, type ServerCommand } from "../_harness/server.ts";
import {
  bunEcho,
  cEpollEcho,
  cSpinEcho,
  cUdpSpinEcho,
  denoDatagramEcho,
  denoListenEcho,
  nodeEcho,
  ourEcho,
  ourKeyValueServer,
  ourUdpEcho,
  redisServer,
  traced,
} from "../_harness/targets.ts";
import { which } from "../_harness/which.ts";
import { LIBOS_NAMES } from "../../mod.ts";

/** What a server serves: an echo over TCP or over UDP, or the protocol of Redis. */
export type Protocol = "tcp" | "udp" | "kv";

/** Whose engine runs a server; one in C has none. */
export type Runtime = "c" | "v8" | "jsc";

/** A server that can be measured here. */
export interface Subject {
  /** What tables call it; no two subjects of a protocol have the same name. */
  readonly name: string;
  /** Its name on the command line. One of ours has the same on every libOS. */
  readonly id: string;
  /** Whose engine runs it. */
  readonly runtime: Runtime;
  /** Whether it is ours. */
  readonly ours: boolean;
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
  /** The libOSes that ours run on, by their names in `open()`. */
  readonly libos: readonly string[];
  /** Their idle policy. */
  readonly idle: string;
  /** The ids that are wanted; those of another protocol are passed over. @default All of them. */
  readonly only?: readonly string[];
  /** Whether to fetch from npm what is not installed, which is Bun. @default {true} */
  readonly fetch?: boolean;
}

/** The candidates, and the files that they need; dispose of it when the last of them has been stopped. */
export class Subjects implements Disposable {
  /** All, in the order in which they are to be shown. */
  readonly candidates: readonly Candidate[];
  readonly #resources: Disposable;

  /** Takes over the resources. */
  constructor(candidates: readonly Candidate[], resources: Disposable) {
    this.candidates = candidates;
    this.#resources = resources;
  }

  /** Those that can be measured. */
  get available(): Subject[] {
    return this.candidates.filter((candidate): candidate is Subject => !isSkipped(candidate));
  }

  /** Those that cannot. */
  get skipped(): SkippedSubject[] {
    return this.candidates.filter(isSkipped);
  }

  /** Removes the files. */
  [Symbol.dispose](): void {
    this.#resources[Symbol.dispose]();
  }
}

/** What it takes to find a server. */
interface Search {
  readonly machine: Machine;
  readonly configuration: NativeConfigurationFile;
  readonly idle: string;
  readonly fetch: boolean;
}

/** A server that may be there. */
interface Entry extends Omit<Subject, "command" | "ours"> {
  /** Fails with a {@linkcode BenchmarkError} if it is not. */
  readonly find: (search: Search) => Promise<ServerCommand>;
}

/** One of ours, which runs on any libOS. */
interface OurEntry {
  readonly id: string;
  readonly command: (idle: string, libos: string) => ServerCommand;
}

const PEERS: Record<Protocol, readonly Entry[]> = {
  tcp: [
    peer("c-spin", "C spin", "c", ({ machine }) => cSpinEcho(machine), { many: false }),
    peer("c-epoll-spin", "C epoll spin", "c", ({ machine }) => cEpollEcho(machine, false)),
    peer("c-epoll", "C epoll", "c", ({ machine }) => cEpollEcho(machine, true)),
    peer(
      "c-demikernel",
      "C on libdemikernel",
      "c",
      ({ machine, configuration }) => cDemikernelEcho(machine, configuration),
    ),
    peer("deno-listen", "Deno.listen", "v8", () => denoListenEcho()),
    peer("node", "node", "v8", () => nodeEcho(node(), "tcp")),
    peer("bun", "Bun", "jsc", async (search) => bunEcho((await findBun(search)).path, "tcp")),
  ],
  udp: [
    peer("c-spin", "C spin", "c", ({ machine }) => cUdpSpinEcho(machine)),
    peer("deno-listen", "Deno.listenDatagram", "v8", () => denoDatagramEcho()),
    peer("node", "node", "v8", () => nodeEcho(node(), "udp")),
    peer("bun", "Bun", "jsc", async (search) => bunEcho((await findBun(search)).path, "udp")),
  ],
  kv: [
    peer("redis-server", "redis-server", "c", () => redisServer(redis())),
  ],
};

const OURS: Record<Protocol, readonly OurEntry[]> = {
  tcp: [
    { id: "ours-generator", command: (idle, libos) => ourEcho("generator", idle, libos) },
    { id: "ours-iterator", command: (idle, libos) => ourEcho("iterator", idle, libos) },
  ],
  udp: [{ id: "ours-generator", command: ourUdpEcho }],
  kv: [{ id: "ours-generator", command: ourKeyValueServer }],
};

/** One request, to know that a server of ours can be reached by the clients of the kernel's sockets. */
const CHECKS: Record<Protocol, (server: Server) => Promise<void>> = {
  tcp: checkTcpEcho,
  udp: checkUdpEcho,
  kv: checkKeyValueServer,
};

/** Every id, of any protocol. */
export const SUBJECT_IDS: readonly string[] = [
  ...new Set(
    [...Object.values(PEERS), ...Object.values(OURS)].flatMap((entries) =>
      entries.map(({ id }) => id)
    ),
  ),
];

/**
 * Finds the servers for a protocol: the peers, then ours on each libOS. Builds the peers in C, fetches Bun, and
 * tries each libOS.
 *
 * @throws {BenchmarkError} If there is no such id or libOS.
 */
export async function subjects(
  machine: Machine,
  protocol: Protocol,
  { libos: liboses, idle, only = SUBJECT_IDS, fetch = true }: SubjectOptions,
): Promise<Subjects> {
  assertKnown("subject", only, SUBJECT_IDS);
  assertKnown("libOS", liboses, LIBOS_NAMES);
  const isWanted = ({ id }: { id: string }) => only.includes(id);
  const configuration = new NativeConfigurationFile();
  const search = { machine, configuration, idle, fetch };
  const candidates: Candidate[] = [];
  try {
    for (const entry of PEERS[protocol].filter(isWanted)) {
      candidates.push(await examinePeer(entry, search));
    }
    for (const libos of liboses) {
      candidates.push(...await examineOurs(protocol, libos, isWanted, search));
    }
    return new Subjects(candidates, configuration);
  } catch (error) {
    configuration[Symbol.dispose]();
    throw error;
  }
}

async function examinePeer({ find, ...facts }: Entry, search: Search): Promise<Candidate> {
  try {
    const command = await find(search);
    return { ...facts, ours: false, command: facts.runtime === "v8" ? traced(command) : command };
  } catch (error) {
    return { id: facts.id, name: facts.name, skipped: reasonOf(error) };
  }
}

/** Whether a libOS works is the same for all its handlers: one of them is tried. */
async function examineOurs(
  protocol: Protocol,
  libos: string,
  isWanted: (entry: OurEntry) => boolean,
  { machine, idle }: Search,
): Promise<Candidate[]> {
  const found = OURS[protocol].filter(isWanted).map(({ id, command }) => ({
    id,
    command: command(idle, libos),
  }));
  const [first] = found;
  if (first === undefined) return [];
  try {
    await using server = await Server.start(machine, first.command);
    await CHECKS[protocol](server);
  } catch (error) {
    const skipped = reasonOfOurs(error);
    return found.map(({ id, command: { name } }) => ({ id, name, skipped }));
  }
  return found.map(({ id, command }) => ({
    id,
    name: command.name,
    runtime: "v8",
    ours: true,
    command: traced(command),
    many: true,
  }));
}

function peer(
  id: string,
  name: string,
  runtime: Runtime,
  find: (search: Search) => Promise<ServerCommand> | ServerCommand,
  { many = true }: { many?: boolean } = {},
): Entry {
  return { id, name, runtime, many, find: async (search) => await find(search) };
}

function node(): string {
  const path = findNode();
  if (path === undefined) throw new BenchmarkError("no node on PATH: install Node.js");
  return path;
}

function redis(): string {
  const path = which("redis-server");
  if (path === undefined) throw new BenchmarkError("no redis-server on PATH: install Redis");
  return path;
}

function reasonOf(error: unknown): string {
  if (error instanceof BenchmarkError) return error.message;
  throw error;
}

/**
 * Ours is skipped when it says itself that it cannot run, or serves nobody through the kernel, as catloop. Any other
 * failure is a mistake of ours, and no reason to leave it out.
 */
function reasonOfOurs(error: unknown): string {
  const reason = reasonOf(error);
  if (error instanceof UnreachableError) return reason;
  const said = /\n\s*error: (?!Uncaught)([^]*)/.exec(reason)?.[1];
  if (said === undefined) throw error;
  return said;
}

function isSkipped(candidate: Candidate): candidate is SkippedSubject {
  return "skipped" in candidate;
}

function assertKnown(kind: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new BenchmarkError(
    `Cannot measure "${unknown}": there is no such ${kind}, there is ${known.join(", ")}`,
  );
}
