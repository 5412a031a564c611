/**
 * The servers that can be profiled, and what loads them.
 *
 * @module
 */
import type { Machine } from "../_harness/machine.ts";
import { pingpong } from "../_harness/pingpong.ts";
import type { Server, ServerCommand } from "../_harness/server.ts";
import { type Handler, ourEcho } from "../_harness/targets.ts";

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
  /** Makes requests, one after another, for so many milliseconds. */
  readonly run: (machine: Machine, server: Server, ms: number) => Promise<Loaded>;
}

/** The names of the workloads. */
export const WORKLOADS = ["tcp-echo"] as const;

/** Which server, and how it is started. */
export interface WorkloadOptions {
  /** One of {@linkcode WORKLOADS}. */
  readonly workload: string;
  /** How the handler of tcp-echo is written; the others are generators. */
  readonly handler: string;
  /** The libOS. */
  readonly libos: string;
  /** The idle policy. */
  readonly idle: string;
}

/** More than can be made: only the time ends a load. */
const REQUESTS_PER_MS = 1000;

/** Returns a workload. */
export function workloadOf(options: WorkloadOptions): Workload {
  const { handler, idle, libos } = options;
  return {
    title: `tcp-echo over ${libos}, ${handler}, idle policy ${idle}: one connection, 64 bytes`,
    command: ourEcho(handler as Handler, idle, libos),
    run: echoTcp,
  };
}

async function echoTcp(machine: Machine, server: Server, ms: number): Promise<Loaded> {
  const client = machine.compiler === undefined ? "deno" : "c";
  const load = { iterations: REQUESTS_PER_MS * ms, warmup: 0, timeLimit: ms };
  const { iterations, p50, mean } = await pingpong(machine, server, load, client);
  return { requests: iterations, elapsed: ms * 1e6, p50, mean };
}
