/**
 * The servers that can be profiled, and what loads them.
 *
 * @module
 */
import { BenchmarkError } from "../_harness/command_line.ts";
import { Histogram } from "../_harness/histogram.ts";
import { loadEcho, loadKeyValue, type LoadResult } from "../_harness/load.ts";
import type { Machine } from "../_harness/machine.ts";
import { LOOPBACK, type Route, routed } from "../_harness/route.ts";
import type { Server, ServerCommand } from "../_harness/server.ts";
import { type Handler, ourEcho, ourKeyValueServer, ourUdpEcho } from "../_harness/targets.ts";

/** What a client saw. */
export interface Loaded {
  /** Requests that were answered, rightly. */
  readonly requests: number;
  /** How long that took, in nanoseconds. */
  readonly elapsed: number;
  /** The median of the time to the answer, in nanoseconds. */
  readonly p50: number;
  /** The mean of it. */
  readonly mean: number;
}

/** A server, and a client for it. */
export interface Workload {
  /** What it is, and what the client does. */
  readonly title: string;
  /** The server. */
  readonly command: ServerCommand;
  /** Makes requests for so many milliseconds. */
  readonly run: (machine: Machine, server: Server, ms: number) => Promise<Loaded>;
}

/** Which server, and how it is started. */
export interface WorkloadOptions {
  /** One of {@linkcode WORKLOADS}. */
  readonly workload: string;
  /** How the handler of tcp-echo is written; those of the others are generators. */
  readonly handler: string;
  /** The idle policy. */
  readonly idle: string;
  /** Requests under way on each connection of kv. @default {1} */
  readonly pipeline?: number;
  /** The libOS, with its wire if it has several. @default {"catnap"} */
  readonly libos?: string;
}

/** The names of the workloads. */
export const WORKLOADS = ["tcp-echo", "udp-echo", "kv"] as const;

/** More than can be made: only the time ends a load. */
const REQUESTS_PER_MS = 1000;
/** Few, since all are set before each load, and that is within the trace. */
const KEYS = 1000;
const CONNECTIONS = 50;

/** Returns a workload, whose server is where a route leads. */
export function workloadOf(
  { workload, handler, idle, pipeline = 1, libos = "catnap" }: WorkloadOptions,
  route: Route = LOOPBACK,
): Workload {
  switch (workload) {
    case "kv":
      return {
        title:
          `kv over ${libos}, idle policy ${idle}: GET and SET over ${CONNECTIONS} connections, ` +
          `${pipeline} under way on each`,
        command: routed(ourKeyValueServer(idle, libos), route),
        run: (machine, server, ms) => loadKv(machine, server, ms, pipeline),
      };
    case "udp-echo":
      return {
        title: `udp-echo over ${libos}, idle policy ${idle}: one client, 64 bytes`,
        command: routed(ourUdpEcho(idle, libos), route),
        run: (machine, server, ms) => echo(machine, server, ms, true),
      };
    default:
      return {
        title: `tcp-echo over ${libos}, ${handler}, idle policy ${idle}: one connection, 64 bytes`,
        command: routed(ourEcho(handler as Handler, idle, libos), route),
        run: (machine, server, ms) => echo(machine, server, ms, false),
      };
  }
}

async function echo(machine: Machine, server: Server, ms: number, udp: boolean): Promise<Loaded> {
  const load = { iterations: REQUESTS_PER_MS * ms, timeLimit: ms, udp };
  return summarize(server, await loadEcho(machine, server, load));
}

async function loadKv(
  machine: Machine,
  server: Server,
  ms: number,
  pipeline: number,
): Promise<Loaded> {
  const load = {
    requests: REQUESTS_PER_MS * ms,
    timeLimit: ms,
    keys: KEYS,
    connections: CONNECTIONS,
    pipeline,
  };
  return summarize(server, await loadKeyValue(machine, server, load));
}

function summarize(server: Server, { operations, elapsed, times }: LoadResult): Loaded {
  if (operations === 0) {
    throw new BenchmarkError(
      `Cannot profile ${server.name}: it answered no request, run it again with less load on the machine`,
    );
  }
  const { p50, mean } = Histogram.of(times).figures();
  return { requests: operations, elapsed, p50, mean };
}
