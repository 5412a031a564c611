/**
 * The demonstration: our TCP echo against Deno's own, within 20 seconds, on whatever machine this is.
 *
 * It needs Linux and Deno. With a C compiler the client polls and the figures are those of the
 * server; without one a client in Deno measures, whose own cost is then within every round trip.
 *
 * @module
 */
import { buildPeer } from "./_harness/c_peer.ts";
import { describeCalibration } from "./_harness/calibration.ts";
import { BenchmarkError, runProgram } from "./_harness/command_line.ts";
import { inspectMachine, type Machine } from "./_harness/machine.ts";
import { type Client, type Latency, pingpong } from "./_harness/pingpong.ts";
import { ratioTable } from "./_harness/report.ts";
import { interleave, type Rounds } from "./_harness/rounds.ts";
import { Server, type ServerCommand } from "./_harness/server.ts";
import { quantile, ratios, spread } from "./_harness/statistics.ts";
import { microseconds, table } from "./_harness/table.ts";
import { denoListenEcho, ourEcho } from "./_harness/targets.ts";

const program = {
  name: "demo.ts",
  summary: "Races our TCP echo against Deno.listen: the same client, the same cores, in turn.",
  options: {
    rounds: { default: 5, description: "Rounds of both servers, as far as 18 s allow" },
    iterations: {
      default: 40_000,
      description: "Echoes per server and round, as far as 0.7 s allow",
    },
  },
} as const;

/** All rounds together, in milliseconds; looking around, compiling and printing take the rest of 20 s. */
const TIME_LIMIT = 17_000;
/** Warm-up and measurement, each, in milliseconds: a slow machine makes fewer echoes, not a longer run. */
const SAMPLE_LIMIT = 700;
const OURS = "Demikernel (catnap)";
const THEIRS = "Deno.listen";
const QUANTILES = [["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p999", "p99.9"]] as const;

await runProgram(program, async (values) => {
  if (Deno.build.os !== "linux") {
    throw new BenchmarkError(`Cannot run the demo: it needs Linux, and this is ${Deno.build.os}`);
  }
  const begin = performance.now();
  const machine = inspectMachine();
  const client = machine.compiler === undefined ? "deno" : "c";
  if (client === "c") await buildPeer(machine, "pingpong");
  const commands = [{ ...ourEcho("generator"), name: OURS }, { ...denoListenEcho(), name: THEIRS }];
  const rounds = await interleave(
    machine,
    { rounds: values.rounds, timeLimit: TIME_LIMIT },
    commands.map((command) => ({
      name: command.name,
      measure: () => measureEcho(machine, command, values.iterations, client),
    })),
  );
  if (values.json) {
    const { samples, calibration, notes } = rounds;
    const { description, notices } = machine;
    const result = { machine: description, client, notices: [...notices, ...notes], calibration };
    console.log(JSON.stringify({ ...result, samples: Object.fromEntries(samples) }, null, 2));
  } else {
    console.log(describe(machine, client, rounds, performance.now() - begin));
  }
});

async function measureEcho(
  machine: Machine,
  command: ServerCommand,
  iterations: number,
  client: Client,
): Promise<Latency> {
  await using server = await Server.start(machine, command);
  const load = { iterations, warmup: iterations, timeLimit: SAMPLE_LIMIT };
  return await pingpong(machine, server, load, client);
}

function describe(
  machine: Machine,
  client: Client,
  { samples, calibration, notes }: Rounds<Latency>,
  elapsed: number,
): string {
  const rows = [...samples].map(([name, list]) => [
    name,
    ...QUANTILES.map(([key]) => microseconds(quantile(list.map((of) => of[key]), 0.5))),
    list.reduce((sum, { iterations }) => sum + iterations, 0).toLocaleString("en"),
  ]);
  const [ours, theirs] = [samples.get(OURS)!, samples.get(THEIRS)!];
  const comparison = QUANTILES.map(([key, label]) => ({
    label: `${THEIRS} / ${OURS}, ${label}`,
    ...spread(ratios(theirs.map((of) => of[key]), ours.map((of) => of[key]))),
  }));
  const faster = comparison[0]!.median;
  const how = client === "c"
    ? "The client is C (bench/peers/pingpong.c) and polls, so the time is the server's and the kernel's"
    : "The client is Deno (bench/peers/pingpong.ts), whose own time is in both figures and hides much " +
      "of the difference; with a C compiler the client would be C";
  return [
    `A TCP echo of 64 bytes on loopback: round trip in microseconds\n${machine.description}`,
    table(["server", ...QUANTILES.map(([, label]) => label), "echoes"], rows),
    ratioTable(comparison),
    faster >= 1
      ? `At the median, ${OURS} answers ${faster.toFixed(1)} times as fast as ${THEIRS}.`
      : `At the median, ${OURS} is SLOWER than ${THEIRS} here (${faster.toFixed(2)}).`,
    [
      `Every echo was checked, byte by byte, and none was wrong; ${ours.length} rounds in turn, ` +
      `${(elapsed / 1_000).toFixed(1)} s in all`,
      how,
      describeCalibration(calibration),
      ...machine.notices,
      ...notes,
    ].map((note) => `* ${note}`).join("\n"),
    nextSteps(client),
  ].join("\n\n");
}

function nextSteps(client: Client): string {
  const steps = [
    ["deno run -A examples/tcp_echo.ts --port 7000", "the server of this race; try it with nc"],
    ["deno run -A examples/kv.ts --port 6380", "a key-value server ..."],
    ["redis-cli -p 6380 set greeting hello", "... for any Redis client"],
    ...(client === "c"
      ? [["deno task latency", "against C, node, Bun and Redis too, in less than a minute"]]
      : []),
    ["README.md, docs/", "how to write a handler, and what runs beneath it"],
  ];
  const width = Math.max(...steps.map(([command]) => command!.length));
  return ["Next:", ...steps.map(([command, what]) => `  ${command!.padEnd(width)}  # ${what}`)]
    .join("\n");
}
