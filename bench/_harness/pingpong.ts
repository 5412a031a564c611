/**
 * Running the ping-pong client against a server.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import { run } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";
import { pinned, type Server } from "./server.ts";

/** What the client is to do. */
export interface Load {
  /** Echoes to measure. */
  readonly iterations: number;
  /** Echoes to make before: a server on V8 is compiled by then. */
  readonly warmup: number;
  /** Bytes in a message. @default {64} */
  readonly size?: number;
  /** Silent connections to hold open meanwhile. @default {0} */
  readonly idleConnections?: number;
  /** Milliseconds after which the warm-up, and then the measurement, end early. */
  readonly timeLimit?: number;
}

/** Round-trip times in nanoseconds. */
export interface Latency {
  /** Echoes that were measured. */
  readonly iterations: number;
  /** The fastest. */
  readonly min: number;
  /** The median. */
  readonly p50: number;
  /** The 90th percentile. */
  readonly p90: number;
  /** The 99th percentile. */
  readonly p99: number;
  /** The 99.9th percentile. */
  readonly p999: number;
  /** The slowest. */
  readonly max: number;
  /** The mean. */
  readonly mean: number;
}

/** A client that failed may have noticed the end of the server before we did. */
const SETTLE_MS = 500;

/** Which client measures: the busy-polling one in C, or the one that needs no compiler. */
export type Client = "c" | "deno";

/**
 * Measures the round trips of one connection to `server`; every echoed byte is checked.
 *
 * @throws {BenchmarkError} If an echo came back wrong, or the server died.
 */
export async function pingpong(
  machine: Machine,
  server: Server,
  load: Load,
  client: Client = "c",
): Promise<Latency> {
  const program = client === "c"
    ? [await buildPeer(machine, "pingpong")]
    : [Deno.execPath(), "run", "-A", new URL("../peers/pingpong.ts", import.meta.url).pathname];
  const options = [
    ["port", server.port],
    ["iterations", load.iterations],
    ["warmup", load.warmup],
    ["size", load.size],
    ["idle-connections", load.idleConnections],
    ["time-limit", load.timeLimit],
  ].flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, String(value)]);
  const argv = pinned(machine, "client", [...program, ...options, "--json"]);
  const { code, stdout, stderr } = await run(argv);
  await server.assertAlive(code > 1 ? SETTLE_MS : 0);
  if (code === 1) {
    throw new BenchmarkError(`Echoes of ${server.name} came back wrong: ${stdout.trim()}`);
  }
  if (code !== 0) throw new BenchmarkError(`Cannot measure ${server.name}: ${stderr}`);
  return JSON.parse(stdout);
}
