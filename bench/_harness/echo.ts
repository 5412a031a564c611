/**
 * What the benchmarks of echo servers share.
 *
 * @module
 */
import type { Machine } from "./machine.ts";
import { type Latency, type Load, pingpong } from "./pingpong.ts";
import { interleave, type Rounds } from "./rounds.ts";
import { Server, type ServerCommand } from "./server.ts";
import { quantile, spread } from "./statistics.ts";
import { microseconds } from "./table.ts";

/** How many rounds, and how much in each. */
export interface EchoPlan extends Load {
  /** Rounds of all servers. */
  readonly rounds: number;
}

/** The columns of {@linkcode latencyRow}. */
export const LATENCY_COLUMNS = ["server", "p50", "p90", "p99", "p99.9", "p50 over the rounds"];

/** Measures the servers in turn. */
export function measureEchoes(
  machine: Machine,
  plan: EchoPlan,
  commands: readonly ServerCommand[],
): Promise<Rounds<Latency>> {
  const steps = commands.map((command) => ({
    name: command.name,
    measure: () => measureEcho(machine, command, plan),
  }));
  return interleave(machine, plan, steps);
}

/** A fresh server each time: two that spin would not fit on the machine, and luck in V8 averages out. */
async function measureEcho(machine: Machine, command: ServerCommand, load: Load): Promise<Latency> {
  await using server = await Server.start(machine, command);
  return await pingpong(machine, server, load);
}

/** What was done, in words. */
export function effortOf({ rounds, iterations, warmup }: EchoPlan): string {
  return `${rounds} rounds x ${iterations} echoes per server, after ${warmup} to warm up; ` +
    "a fresh server each time; every echo checked";
}

/** A row of the table: the medians over the rounds. */
export function latencyRow(name: string, list: readonly Latency[]): string[] {
  const cells = (["p50", "p90", "p99", "p999"] as const).map((key) =>
    microseconds(quantile(list.map((latency) => latency[key]), 0.5))
  );
  const { min, max } = spread(list.map(({ p50 }) => p50));
  return [name, ...cells, `${microseconds(min)}-${microseconds(max)}`];
}
