/**
 * Processor time of a server that has nothing to do: ours with its default policy, beside C asleep in
 * `epoll_wait` and `Deno.listen`, all during the same seconds.
 *
 * @module
 */
import { setTimeout as pause } from "node:timers/promises";
import { calibrate } from "./_harness/calibration.ts";
import { runProgram } from "./_harness/command_line.ts";
import { Connections } from "./_harness/connections.ts";
import { inspectMachine, type Machine } from "./_harness/machine.ts";
import { pingpong } from "./_harness/pingpong.ts";
import { type Cpu, cpuOf } from "./_harness/process_usage.ts";
import { Progress } from "./_harness/progress.ts";
import { printReport } from "./_harness/report.ts";
import { Server, type ServerCommand } from "./_harness/server.ts";
import { spread } from "./_harness/statistics.ts";
import { cEpollEcho, denoListenEcho, ourEcho } from "./_harness/targets.ts";

const program = {
  name: "idle_cpu.ts",
  summary: "Processor time of an idle server after load: ours, C epoll, Deno.listen.",
  options: {
    rounds: { default: 1, description: "Rounds, with fresh servers" },
    seconds: { default: 10, description: "Seconds of idleness to watch" },
    connections: { default: 100, description: "Open connections that say nothing meanwhile" },
    iterations: { default: 50_000, description: "Echoes of load before" },
  },
} as const;

/** Pools shrink and garbage is collected for a while after load; that is not idleness yet. */
const SETTLE_MS = 2_000;

interface Plan {
  readonly seconds: number;
  readonly connections: number;
  readonly iterations: number;
}

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  const commands = [
    await cEpollEcho(machine, true),
    ourEcho("generator"),
    ourEcho("iterator"),
    denoListenEcho(),
  ];
  const samples = new Map(commands.map(({ name }) => [name, [] as Cpu[]]));
  const calibration = [await calibrate(machine)];
  const progress = new Progress(values.rounds * (commands.length + 1));
  for (let round = 0; round < values.rounds; round++) {
    const used = await measureRound(machine, commands, values, progress);
    commands.forEach(({ name }, index) => samples.get(name)!.push(used[index]!));
    calibration.push(await calibrate(machine));
  }
  progress.done();
  const share = ({ ms }: Cpu) => ms / (values.seconds * 1_000);
  printReport({
    title: `Processor time while idle, with ${values.connections} open connections`,
    machine,
    effort: `${values.rounds} x ${values.seconds} s, all servers at once, ` +
      `${SETTLE_MS / 1_000} s after ${values.iterations} echoes on each`,
    columns: ["server", "ms per s", "wake-ups per s"],
    rows: [...samples].map(([name, list]) => [
      name,
      spread(list.map((cpu) => share(cpu) * 1_000)).median.toFixed(1),
      spread(list.map(({ wakeups }) => wakeups / values.seconds)).median.toFixed(1),
    ]),
    ratios: [...samples].map(([name, list]) => ({
      label: `${name} / one core`,
      ...spread(list.map(share)),
      ...(name.startsWith("ours") ? { atMost: 0.01 } : {}),
    })),
    notes: ["The kernel counts processor time in steps of 10 ms, wake-ups exactly"],
    calibration,
    command: values.command,
    samples: Object.fromEntries(samples),
  }, values.json);
});

async function measureRound(
  machine: Machine,
  commands: readonly ServerCommand[],
  { seconds, connections, iterations }: Plan,
  progress: Progress,
): Promise<Cpu[]> {
  await using stack = new AsyncDisposableStack();
  const servers: Server[] = [];
  for (const command of commands) {
    progress.step(`load on ${command.name}`);
    const server = stack.use(await Server.start(machine, command));
    stack.use(await Connections.open(machine, server, { count: connections, echoes: 4 }));
    await pingpong(machine, server, { iterations, warmup: 0 });
    servers.push(server);
  }
  progress.step(`idle for ${seconds} s`);
  await pause(SETTLE_MS);
  const before = await Promise.all(servers.map(({ pid }) => cpuOf(pid)));
  await pause(seconds * 1_000);
  const after = await Promise.all(servers.map(({ pid }) => cpuOf(pid)));
  for (const server of servers) await server.assertAlive();
  return after.map(({ ms, wakeups }, index) => ({
    ms: ms - before[index]!.ms,
    wakeups: wakeups - before[index]!.wakeups,
  }));
}
