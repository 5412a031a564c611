/**
 * The key-value store under Redis' own benchmark.
 *
 * @module
 */
import { BenchmarkError } from "../../_harness/command_line.ts";
import { runClient } from "../../_harness/load.ts";
import { throughput } from "../samples.ts";
import { REQUESTS } from "../servers.ts";
import type { Measurement, Trial, Workload } from "../workload.ts";

const PROGRAM = "redis-benchmark";
const CLIENTS = 50;
const COMMANDS = ["SET", "GET"];
const PIPELINES = [1, 16];
/** How many requests are made for each echo of other workloads, one by one. */
const PER_OPERATION = 25;
/** What takes a second one by one is over too soon in batches. */
const PER_REQUEST = 4;

/** See the module's description. */
export const redisBenchmark: Workload = {
  id: "redis-benchmark",
  title: "Key-value store under redis-benchmark, requests per second",
  protocol: "kv",
  subjects: ["redis-server", "ours-generator"],
  many: true,
  client: "kernel",
  needs: PROGRAM,
  describe: ({ operations }) =>
    `${PER_OPERATION * operations} requests of each command one by one (P=1), and ${
      PER_REQUEST * PER_OPERATION * operations
    } with 16 under way on each of ${CLIENTS} connections (P=16)`,
  parts: PIPELINES.map((pipeline) => ({
    name: `P=${pipeline}`,
    measure: (trial) => measure(trial, pipeline),
  })),
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      PIPELINES.flatMap((pipeline) =>
        COMMANDS.flatMap((command) => {
          const variant = `${command}, P=${pipeline}`;
          return samples.each([subject], ["redis-server"], `: ${variant}`, {
            variant,
            figure: throughput,
            atLeast: 1,
          });
        })
      )
    ),
  notes: ["P is the number of requests under way on each connection"],
};

async function measure(
  { machine, server, effort: { operations } }: Trial,
  pipeline: number,
): Promise<Measurement[]> {
  // It counts any reply, right or wrong.
  await REQUESTS.kv(machine, server, 1);
  const requests = PER_OPERATION * operations * (pipeline === 1 ? 1 : PER_REQUEST);
  const { port, route: { hostname } } = server;
  const load = `-h ${hostname} -p ${port} -c ${CLIENTS} -P ${pipeline} -n ${requests}`;
  const commands = `-t ${COMMANDS.join().toLowerCase()} --csv`;
  const stdout = await runClient(machine, server, `${PROGRAM} ${load} ${commands}`.split(" "));
  const rows = stdout.split("\n").map((line) => line.replaceAll('"', "").split(","));
  return COMMANDS.map((command) => {
    const throughput = Number(rows.find(([name]) => name === command)?.[1]);
    if (!(throughput > 0)) {
      throw new BenchmarkError(`Cannot measure ${command} on ${server.name}: ${stdout}`);
    }
    return { variant: `${command}, P=${pipeline}`, throughput };
  });
}
