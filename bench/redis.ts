/**
 * Our key-value server, `examples/kv.ts`, against Redis, under Redis' own benchmark.
 *
 * @module
 */
import { run } from "./_harness/children.ts";
import { BenchmarkError, runProgram } from "./_harness/command_line.ts";
import { inspectMachine, type Machine } from "./_harness/machine.ts";
import { checkKeyValueServer, parseBenchmarkCsv } from "./_harness/redis_protocol.ts";
import { printReport, type Ratio } from "./_harness/report.ts";
import { interleave } from "./_harness/rounds.ts";
import { pinned, Server, type ServerCommand } from "./_harness/server.ts";
import { quantile, ratios, spread } from "./_harness/statistics.ts";
import { ourKeyValueServer, redisServer } from "./_harness/targets.ts";
import { which } from "./_harness/which.ts";

const program = {
  name: "redis.ts",
  summary: "Requests per second of our key-value server, over those of redis-server.",
  options: {
    rounds: { default: 5, description: "Rounds of both servers" },
    requests: { default: 200_000, description: "Requests per command, without pipelining" },
    clients: { default: 50, description: "Connections of redis-benchmark" },
  },
} as const;

const OURS = "ours, kv.ts";
const THEIRS = "redis-server";
/** Requests in flight per connection, and the share of Redis' throughput that is aimed at. */
const PIPELINES = [{ depth: 1, atLeast: 1 }, { depth: 16, atLeast: 1 }] as const;
const COMMANDS = ["SET", "GET"] as const;

/** Requests per second by "SET, P=1" and so on. */
type Throughput = Readonly<Record<string, number>>;

interface Plan {
  readonly requests: number;
  readonly clients: number;
}

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  const benchmark = find("redis-benchmark");
  const commands = [redisServer(find("redis-server")), ourKeyValueServer()];
  const { samples, calibration, notes } = await interleave(
    machine,
    values,
    commands.map((command) => ({
      name: command.name,
      measure: () => measureThroughput(machine, benchmark, command, values),
    })),
  );
  const kinds = PIPELINES.flatMap(({ depth }) => COMMANDS.map((name) => kind(name, depth)));
  printReport({
    title: "Requests per second under redis-benchmark, thousands (median of the rounds)",
    machine,
    effort: `${values.rounds} rounds x ${values.requests} requests per command ` +
      `(four times as many when pipelined), ${values.clients} connections; a fresh server each ` +
      "time, warmed up before",
    columns: ["server", ...kinds],
    rows: [...samples].map(([name, list]) => [
      name,
      ...kinds.map((kind) => (quantile(list.map((of) => of[kind]!), 0.5) / 1_000).toFixed(1)),
    ]),
    ratios: PIPELINES.flatMap(({ depth, atLeast }) =>
      COMMANDS.map((name): Ratio => ({
        label: `${OURS} / ${THEIRS}, ${kind(name, depth)}`,
        ...spread(ratios(
          samples.get(OURS)!.map((of) => of[kind(name, depth)]!),
          samples.get(THEIRS)!.map((of) => of[kind(name, depth)]!),
        )),
        atLeast,
      }))
    ),
    notes: [...notes, "P is the number of requests in flight on each connection"],
    calibration,
    command: values.command,
    samples: Object.fromEntries(samples),
  }, values.json);
});

async function measureThroughput(
  machine: Machine,
  benchmark: string,
  command: ServerCommand,
  { requests, clients }: Plan,
): Promise<Throughput> {
  await using server = await Server.start(machine, command);
  await checkKeyValueServer(server);
  const throughput: Record<string, number> = {};
  for (const { depth } of PIPELINES) {
    // What takes 2 s one by one is over too soon in batches of 16.
    const count = depth === 1 ? requests : requests * 4;
    const drive = (n: number) => {
      const load = ["-t", "set,get", "-c", clients, "-P", depth, "-n", n, "--csv"];
      return run(pinned(machine, "client", [benchmark, "-p", server.port, ...load].map(String)));
    };
    await drive(Math.ceil(count / 4));
    const { code, stdout, stderr } = await drive(count);
    await server.assertAlive();
    const results = parseBenchmarkCsv(stdout);
    for (const name of COMMANDS) {
      const rate = results.get(name);
      if (code !== 0 || rate === undefined) {
        throw new BenchmarkError(`Cannot measure ${name} on ${server.name}: ${stderr || stdout}`);
      }
      throughput[kind(name, depth)] = rate;
    }
  }
  return throughput;
}

function kind(command: string, depth: number): string {
  return `${command}, P=${depth}`;
}

function find(name: string): string {
  const path = which(name);
  if (path !== undefined) return path;
  throw new BenchmarkError(`Cannot compare with Redis: no ${name} found; install redis`);
}
