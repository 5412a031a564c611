/**
 * Resident memory per open connection, and whether it comes back when they close.
 *
 * The server is read idle after a warm-up, as it is and after a collection of all garbage; with the
 * connections open, each having made a few echoes; the same after some seconds of light traffic
 * (short-lived connections, a few echoes on each); and after they have closed, as it is and after a
 * collection.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { runProgram } from "./_harness/command_line.ts";
import { Connections } from "./_harness/connections.ts";
import { inspectMachine, type Machine } from "./_harness/machine.ts";
import { pingpong } from "./_harness/pingpong.ts";
import { type Memory, memoryOf } from "./_harness/process_usage.ts";
import { printReport, type Ratio } from "./_harness/report.ts";
import { interleave } from "./_harness/rounds.ts";
import { Server, type ServerCommand } from "./_harness/server.ts";
import { quantile, ratios, spread } from "./_harness/statistics.ts";
import { cEpollEcho, collectable, denoListenEcho, ourEcho } from "./_harness/targets.ts";

const program = {
  name: "memory.ts",
  summary: "Resident memory per open connection: ours, C epoll, Deno.listen.",
  options: {
    rounds: { default: 3, description: "Rounds of all servers" },
    connections: { default: 5_000, description: "Connections to open" },
    echoes: { default: 4, description: "Echoes on each of them" },
    settle: { default: 5, description: "Seconds of light traffic before the second readings" },
  },
} as const;

const STAGES = ["idle", "idleCollected", "open", "openLater", "closed", "closedCollected"] as const;
type Reading = Readonly<Record<typeof STAGES[number], Memory>>;

interface Plan {
  readonly connections: number;
  readonly echoes: number;
  readonly settle: number;
}

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  const commands = [
    await cEpollEcho(machine, true),
    collectable(ourEcho("generator")),
    collectable(ourEcho("iterator")),
    collectable(denoListenEcho()),
  ];
  const { samples, calibration, notes } = await interleave(
    machine,
    // Bytes are the same wherever the host has put the cores.
    { rounds: values.rounds, phases: "none" },
    commands.map((command) => ({
      name: command.name,
      measure: () => measureMemory(machine, command, values),
    })),
  );
  const { connections, settle } = values;
  printReport({
    title: `Resident memory with ${connections} connections (MiB; median of the rounds)`,
    machine,
    effort: `${values.rounds} rounds; ${values.echoes} echoes on each connection; ` +
      `"later" is after ${settle} s of light traffic on other, short-lived connections`,
    columns: [
      "server",
      "idle",
      "collected",
      "open",
      "later",
      "closed",
      "collected",
      "KiB each",
      "anonymous only",
    ],
    rows: [...samples].map(([name, readings]) => [
      name,
      ...STAGES.map((stage) => mib(median(readings.map((reading) => reading[stage].resident)))),
      median(readings.map((reading) => kibEach(reading, "resident", connections))).toFixed(2),
      median(readings.map((reading) => kibEach(reading, "anonymous", connections))).toFixed(2),
    ]),
    ratios: compare(samples, connections),
    notes: [
      ...notes,
      "KiB each is (open, later) - idle, shared out; socket buffers are the kernel's and not in it",
      "A reading is the resident set of the process, code that was first run meanwhile included",
    ],
    calibration,
    command: values.command,
    samples: Object.fromEntries(samples),
  }, values.json);
});

async function measureMemory(
  machine: Machine,
  command: ServerCommand,
  { connections, echoes, settle }: Plan,
): Promise<Reading> {
  await using server = await Server.start(machine, command);
  // Compiled code and the first few connections' pools belong to the idle process.
  await pingpong(machine, server, { iterations: 50_000, warmup: 50_000 });
  await lightTraffic(machine, server, 2);
  const idle = await memoryOf(server.pid);
  const idleCollected = await memoryAfterCollection(command, server);
  let open: Memory;
  let openLater: Memory;
  {
    await using _held = await Connections.open(machine, server, { count: connections, echoes });
    await pause(1_000);
    open = await memoryOf(server.pid);
    await lightTraffic(machine, server, settle);
    openLater = await memoryOf(server.pid);
  }
  await pause(1_000);
  const closed = await memoryOf(server.pid);
  const closedCollected = await memoryAfterCollection(command, server);
  await server.assertAlive();
  return { idle, idleCollected, open, openLater, closed, closedCollected };
}

/** C has no garbage, and does not know the signal. */
async function memoryAfterCollection(command: ServerCommand, server: Server): Promise<Memory> {
  if (command.argv[0] === Deno.execPath()) Deno.kill(server.pid, "SIGUSR2");
  await pause(500);
  return await memoryOf(server.pid);
}

async function lightTraffic(machine: Machine, server: Server, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    await using _few = await Connections.open(machine, server, { count: 20, echoes: 100 });
    await pause(100);
  }
}

function compare(samples: ReadonlyMap<string, readonly Reading[]>, connections: number): Ratio[] {
  const each = (name: string) =>
    samples.get(name)!.map((reading) => kibEach(reading, "resident", connections));
  const lines: Ratio[] = [];
  for (const name of samples.keys()) {
    if (!name.startsWith("ours")) continue;
    lines.push(
      { label: `${name}: KiB each / 1 KiB`, ...spread(each(name)), atMost: 8 },
      {
        label: `${name} / Deno.listen, per connection`,
        ...perRound(each(name), each("Deno.listen")),
      },
    );
  }
  for (const [name, readings] of samples) {
    lines.push({
      label: `${name}: closed / idle, both collected`,
      ...perRound(
        readings.map(({ closedCollected }) => closedCollected.resident),
        readings.map(({ idleCollected }) => idleCollected.resident),
      ),
      ...(name.startsWith("ours") ? { atMost: 1.1 } : {}),
    });
  }
  return lines;
}

function perRound(numerators: readonly number[], denominators: readonly number[]) {
  return spread(ratios(numerators, denominators));
}

function kibEach({ openLater, idle }: Reading, kind: keyof Memory, connections: number): number {
  return (openLater[kind] - idle[kind]) / 1024 / connections;
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
