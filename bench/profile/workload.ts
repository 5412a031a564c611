/**
 * The servers that can be profiled, and what loads them.
 *
 * @module
 */
import { BenchmarkError } from "../_harness/command_line.ts";
import { Histogram } from "../_harness/histogram.ts";
import { loadKeyValue, type LoadResult } from "../_harness/load.ts";
import type { Machine } from "../_harness/machine.ts";
import { LOOPBACK, type Route, routed } from "../_harness/route.ts";
import type { Server, ServerCommand } from "../_harness/server.ts";
import { OURS, REQUESTS } from "../latency/servers.ts";

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

/** The workloads, and what their servers speak. */
export const WORKLOADS = { "tcp-echo": "tcp", "udp-echo": "udp", kv: "kv" } as const;

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
  const protocol = WORKLOADS[workload as keyof typeof WORKLOADS];
  const { command } = OURS[protocol].find(({ id }) => id === `ours-${handler}`) ??
    OURS[protocol][0]!;
  const [own, client] = protocol === "kv"
    ? ["", `GET and SET over ${CONNECTIONS} connections, ${pipeline} under way on each`]
    : protocol === "udp"
    ? ["", "one client, 64 bytes"]
    : [`, ${handler}`, "one connection, 64 bytes"];
  return {
    title: `${workload} over ${libos}${own}, idle policy ${idle}: ${client}`,
    command: routed(command(idle, libos), route),
    run: async (machine, server, ms) => {
      const iterations = REQUESTS_PER_MS * ms;
      const many = { iterations, timeLimit: ms, keys: KEYS, connections: CONNECTIONS, pipeline };
      return summarize(
        server,
        protocol === "kv"
          ? await loadKeyValue(machine, server, many)
          : await REQUESTS[protocol](machine, server, iterations, ms),
      );
    },
  };
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
