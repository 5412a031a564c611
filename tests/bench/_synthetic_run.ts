/**
 * A run of the latency harness that nobody measured, for tests of what reads one. It is the same every
 * time.
 *
 * @module
 */
import { Histogram } from "../../bench/_harness/histogram.ts";
import { type Experiment, type Run, type Sample, SCHEMA } from "../../bench/latency/schema.ts";

/** The subjects, from fast to slow, with the median of their latency in microseconds. */
export const SUBJECTS: Readonly<Record<string, number>> = {
  "C spin": 8.1,
  "ours, generator": 8.4,
  "ours, iterator": 8.9,
  "C epoll": 9.8,
  "C on libdemikernel": 11.2,
  "Deno.listen": 21,
  "node:net": 26,
};

/** Returns a generator of numbers from 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a sample whose latency has the median `us` and a tail, as echoes have. */
export function sample(
  subject: string,
  us: number,
  rest: Partial<Sample> & { readonly count?: number; readonly seed?: number } = {},
): Sample {
  const { count = 2_000, seed = subject.length, ...fields } = rest;
  const next = random(seed + Math.round(us * 1e3));
  const times = Array.from({ length: count }, () => {
    const tail = next() < 0.003 ? 20 * next() : 0;
    return us * 1e3 * (0.93 + 0.09 * Math.sqrt(-Math.log(1 - next())) + tail);
  });
  return {
    subject,
    round: 0,
    steady: true,
    latency: Histogram.of(times).figures(),
    ...fields,
  };
}

/** Returns an experiment of these samples. */
export function experiment(
  id: string,
  samples: readonly Sample[],
  rest: Partial<Experiment> = {},
): Experiment {
  return {
    id,
    title: "TCP echo, 64 bytes",
    effort: "3 rounds x 50000 echoes per server, after 50000 to warm up; every echo checked",
    skipped: [],
    subjects: [],
    samples,
    ratios: [],
    calibration: [],
    notes: [],
    ...rest,
  };
}

const ROUNDS = [0, 1, 2];
const subjects = Object.entries(SUBJECTS);

/** Returns a run with an experiment of each kind. */
export function syntheticRun(): Run {
  const rounds = (make: (round: number) => Sample[]) => ROUNDS.flatMap(make);
  const echo = rounds((round) =>
    subjects.map(([name, us]) => sample(name, us, { round, seed: round, steady: round !== 1 }))
  );
  const sizes = subjects.flatMap(([name, us]) =>
    [64, 256, 1024, 4096, 16_384, 65_536].map((point) =>
      sample(name, us + point / 900, { point, count: 50 })
    )
  );
  const rates = subjects.flatMap(([name, us]) => {
    const capacity = 1.6e6 / us;
    return [10_000, 25_000, 50_000, 75_000, 100_000, 125_000, 150_000].map((point) => {
      const busy = Math.min(point / capacity, 0.985);
      const throughput = Math.min(point, capacity);
      return sample(name, us / (1 - busy), { point, throughput, count: 200 });
    });
  });
  const connections = subjects.map(([name, us], index) =>
    [0, 1, 10, 100, 1000].map((point) =>
      sample(name, us * (point + 1) ** (0.7 + index / 50), {
        point,
        throughput: 1e6 / us * (1 + Math.log10(point + 1) - index * point / 2000),
        count: 100,
      })
    )
  ).flat();
  const keyValue = ["GET, P=1", "GET, P=16", "SET, P=1", "SET, P=16"].flatMap((variant, index) =>
    ["ours, generator", "redis-server"].map((name) =>
      sample(name, 180 + 90 * index + name.length * 3, {
        variant,
        throughput: 290_000 - index * 20_000 - name.length * 1_000,
      })
    )
  );
  const bulk: Sample[] = subjects.map(([subject, us]) => ({
    subject,
    round: 0,
    steady: true,
    bandwidth: 2.2e10 / us,
  }));
  return {
    schema: SCHEMA,
    date: "2026-11-25T00:00:00.000Z",
    command: "deno task latency",
    plan: "full",
    machine: {
      description:
        "AMD EPYC 9B45, 2 cores, Linux 6.18, Deno 2.9.6; client on core 0, server on core 1",
      versions: { deno: "2.9.6" },
      notices: [],
    },
    experiments: [
      experiment("tcp-echo", echo),
      experiment("tcp-sizes", sizes, {
        title: "TCP echo by size",
        parameter: { name: "size", unit: "B" },
      }),
      experiment("tcp-rates", rates, {
        title: "TCP echo, open loop",
        parameter: { name: "rate", unit: "requests/s" },
      }),
      experiment("tcp-connections", connections, {
        title: "TCP echo by connections",
        parameter: { name: "connections", unit: "" },
      }),
      experiment("kv", keyValue, { title: "Key-value store, 50 connections" }),
      experiment("bulk", bulk, { title: "Bulk stream, 1 connection" }),
    ],
  };
}
