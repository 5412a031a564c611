/**
 * GET and SET, alone and mixed, one by one and pipelined, on servers that speak the protocol of Redis.
 *
 * @module
 */
import { loadKeyValue } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { latency, throughput } from "../samples.ts";
import { oneRoundIn, type Workload } from "../workload.ts";

const CONNECTIONS = 50;
const PIPELINES = [1, 16];
const MIXES = [
  { name: "SET", getShare: 0 },
  { name: "GET", getShare: 1 },
  { name: "90 % GET", getShare: 0.9 },
];
const CASES = PIPELINES.flatMap((pipeline) =>
  MIXES.map(({ name, getShare }) => ({ variant: `${name}, P=${pipeline}`, pipeline, getShare }))
);
/** How many requests are made for each echo of other workloads: over fifty connections they go faster. */
const PER_OPERATION = 10;
/** What takes half a second one by one is over too soon in batches. */
const PER_REQUEST = 4;
const LARGEST_KEYSPACE = 10_000;

/** See the module's description. */
export const kv: Workload = {
  id: "kv",
  title: "Key-value store, requests per second and latency",
  protocol: "kv",
  subjects: ["redis-server", "ours-generator"],
  many: true,
  rounds: oneRoundIn(16),
  describe: ({ operations }) =>
    `${PER_OPERATION * operations} requests one by one (P=1) and ${
      PER_REQUEST * PER_OPERATION * operations
    } with 16 under way on each of ` +
    `${CONNECTIONS} connections (P=16), after as many to warm up, values of 64 bytes under ${LARGEST_KEYSPACE} keys, every reply checked`,
  parts: CASES.map(({ variant, pipeline, getShare }) => ({
    name: variant,
    measure: async (trial) => {
      const { effort: { operations } } = trial;
      const requests = PER_OPERATION * operations * (pipeline === 1 ? 1 : PER_REQUEST);
      const load = {
        iterations: requests,
        warmup: requests,
        connections: CONNECTIONS,
        pipeline,
        getShare,
        keys: LARGEST_KEYSPACE,
      };
      return [await measureLoad(trial, { variant }, loadKeyValue, load)];
    },
  })),
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      CASES.flatMap(({ variant }) => {
        const redis = samples.named("redis-server");
        return [
          ...samples.each([subject], redis, `: requests per second, ${variant}`, {
            ...{ variant, figure: throughput, atLeast: 1 },
          }),
          ...samples.each([subject], redis, `: p99, ${variant}`, {
            ...{ variant, figure: latency("p99"), atMost: 1 },
          }),
        ];
      })
    ),
  notes: ["P is the number of requests under way on each connection"],
};
