/**
 * What 5 000 connections that say nothing cost the one that does: an echo with them, divided by an
 * echo without, on the same server process.
 *
 * @module
 */
import { runProgram } from "./_harness/command_line.ts";
import { inspectMachine, type Machine } from "./_harness/machine.ts";
import { type Latency, type Load, pingpong } from "./_harness/pingpong.ts";
import { printReport, type Ratio } from "./_harness/report.ts";
import { interleave } from "./_harness/rounds.ts";
import { Server, type ServerCommand } from "./_harness/server.ts";
import { quantile, ratios, type Spread, spread } from "./_harness/statistics.ts";
import { microseconds } from "./_harness/table.ts";
import { cEpollEcho, denoListenEcho, ourEcho } from "./_harness/targets.ts";

const program = {
  name: "idle_connections.ts",
  summary: "Cost of an echo beside thousands of idle connections: ours, C epoll, Deno.listen.",
  options: {
    rounds: { default: 5, description: "Rounds of all servers" },
    connections: { default: 5_000, description: "Idle connections" },
    iterations: { default: 50_000, description: "Echoes measured, with them and without" },
    warmup: { default: 50_000, minimum: 0, description: "Echoes before each measurement" },
  },
} as const;

interface Pair {
  readonly alone: Latency;
  readonly beside: Latency;
}

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  const commands = [
    await cEpollEcho(machine, false),
    ourEcho("generator"),
    ourEcho("iterator"),
    denoListenEcho(),
  ];
  const { samples, calibration, notes } = await interleave(
    machine,
    values,
    commands.map((command) => ({
      name: command.name,
      measure: (round) => measurePair(machine, command, values, values.connections, round),
    })),
  );
  printReport({
    title: `TCP echo of 64 bytes beside ${values.connections} idle connections, p50 in us`,
    machine,
    effort: `${values.rounds} rounds x 2 x ${values.iterations} echoes per server, each after ` +
      `${values.warmup} to warm up; every idle connection was accepted and echoed once`,
    columns: ["server", "none idle", `${values.connections} idle`],
    rows: [...samples].map(([name, pairs]) => [
      name,
      microseconds(quantile(pairs.map(({ alone }) => alone.p50), 0.5)),
      microseconds(quantile(pairs.map(({ beside }) => beside.p50), 0.5)),
    ]),
    ratios: [...samples].map(([name, pairs]): Ratio => ({
      label: `${name}: ${values.connections} idle / none`,
      ...costOf(pairs),
      ...(name.startsWith("ours") ? { atMost: 1.3 } : {}),
    })),
    notes: [
      ...notes,
      "Both halves of a ratio are of one process, the order alternating from round to round",
    ],
    calibration,
    command: values.command,
    samples: Object.fromEntries(samples),
  }, values.json);
});

async function measurePair(
  machine: Machine,
  command: ServerCommand,
  load: Load,
  idleConnections: number,
  round: number,
): Promise<Pair> {
  await using server = await Server.start(machine, command);
  const alone = () => pingpong(machine, server, load);
  const beside = () => pingpong(machine, server, { ...load, idleConnections });
  // In a fixed order, whatever a process gains or loses as it ages would be taken for the cost.
  if (round % 2 === 0) return { alone: await alone(), beside: await beside() };
  const first = await beside();
  return { alone: await alone(), beside: first };
}

function costOf(pairs: readonly Pair[]): Spread {
  return spread(
    ratios(pairs.map(({ beside }) => beside.p50), pairs.map(({ alone }) => alone.p50)),
  );
}
