/**
 * Requests that are due by a schedule, whatever the server does. Latency counts from when a request was due,
 * so that the waiting of those behind a slow one is not hidden ("coordinated omission").
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { cpuPerOperation, type Figure, latency } from "../samples.ts";
import { oneRoundIn, type Part, type Trial, type Workload } from "../workload.ts";

const THEIRS = "Deno.listen";
const OTHERS = ["deno-listen", "node", "bun"];
const MANY = 16;
/** A rate that nobody is behind at, and gaps of all lengths come in. */
const WARM_UP_RATE = 30_000;
/** How many times as long as a measurement. */
const WARM_UP = 6;
/** Less would tell nothing of the lowest rates. */
const LEAST_REQUESTS = 200;

/** What both share. */
const OPEN_LOOP = {
  protocol: "tcp",
  many: true,
  client: "kernel",
  parameter: { name: "rate", unit: "requests/s" },
  // At random times, the code of a server takes other ways than in a closed loop: it would be compiled anew while
  // measured, for milliseconds, on the one core that it has.
  warmUp: async ({ machine, server, effort: { milliseconds } }: Trial) => {
    await loadEcho(machine, server, {
      iterations: WARM_UP_RATE * WARM_UP * milliseconds / 1_000,
      rate: WARM_UP_RATE,
      connections: MANY,
      timeLimit: WARM_UP * milliseconds,
    });
  },
} as const;

/** Measures a rate. */
function part(rate: number, connections: number, variant?: string): Part {
  const name = `${rate} requests/s`;
  return {
    name: variant === undefined ? name : `${name}, ${variant}`,
    measure: async (trial) => {
      const { effort: { milliseconds }, round } = trial;
      const iterations = Math.max(Math.ceil(rate * milliseconds / 1_000), LEAST_REQUESTS);
      const load = {
        iterations,
        // A second of it is enough: the server is warm.
        warmup: Math.min(1_000, rate),
        rate,
        connections,
        cpu: true,
        seed: round + 1,
        // Whoever cannot keep up would be waited for as long as the queue is.
        timeLimit: Math.ceil(1_500 * iterations / rate),
      };
      const place = { point: rate, ...(variant === undefined ? {} : { variant }) };
      return [await measureLoad(trial, place, loadEcho, load)];
    },
  };
}

/** At such rates and beyond, a server is busy. */
const HIGH = [10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 140_000];
/** Rates that all can take, and one where those behind are in trouble already. */
const COMPARED = [20_000, 40_000, 60_000];

/** How many requests a server can take, and how long they take until then. */
export const openLoop: Workload = {
  ...OPEN_LOOP,
  id: "open-loop",
  title: "TCP echo at a set rate, latency from when it was due",
  subjects: ["c-epoll-spin", ...OTHERS, "ours-generator", "ours-iterator"],
  describe: ({ milliseconds }) =>
    `${milliseconds} ms of requests of 64 bytes at each rate, due at random (Poisson) over ` +
    `${MANY} connections`,
  parts: HIGH.map((rate) => part(rate, MANY)),
  ratios: (samples) =>
    samples.ours.flatMap((ours) =>
      samples.named(...OTHERS).flatMap((other) =>
        COMPARED.flatMap((point) =>
          samples.each([other], [ours], `, ${point} requests/s, p99`, {
            point,
            figure: latency("p99"),
            atLeast: 1,
          })
        )
      )
    ),
  notes: [
    "A server that cannot keep up with a rate has a latency as long as the run is; `late` counts what was " +
    "still due at its end, and has no latency",
  ],
};

/** The rates that most servers live at. */
const LOW = [100, 1_000, 5_000, 20_000];
const VARIANTS = [1, MANY].map((connections) => ({
  connections,
  variant: connections === 1 ? "1 connection" : `${connections} connections`,
}));

/** What is compared, and how much of that of Deno.listen an idle policy may take at a rate. */
const FIGURES: readonly {
  readonly name: string;
  readonly of: Figure;
  readonly park?: number;
  readonly adaptive?: (rate: number) => number | undefined;
}[] = [
  { name: "p50", of: latency("p50"), park: 1.1, adaptive: () => 0.7 },
  { name: "p99", of: latency("p99") },
  {
    name: "CPU",
    of: cpuPerOperation,
    park: 1.1,
    adaptive: (rate) => rate <= 1_000 ? 1.3 : rate <= 5_000 ? 2 : undefined,
  },
];

/** What a server takes that is far from busy, by idle policy. */
export const rates: Workload = {
  ...OPEN_LOOP,
  id: "rates",
  title: "TCP echo at the rates of most servers: latency and processor time",
  subjects: [...OTHERS, "ours-generator"],
  idle: ["park", "adaptive", "spin"],
  rounds: oneRoundIn(32),
  describe: ({ milliseconds }) =>
    `${milliseconds} ms of requests of 64 bytes at each rate, but at least ${LEAST_REQUESTS} requests, due at ` +
    `random (Poisson) over 1 and ${MANY} connections`,
  parts: LOW.flatMap((rate) =>
    VARIANTS.map(({ connections, variant }) => part(rate, connections, variant))
  ),
  ratios: (samples) =>
    // A libOS that spins takes the whole of a core, and is compared by nothing else than its latency in the table.
    samples.ours.filter((subject) => !subject.includes("spin")).flatMap((subject) =>
      FIGURES.flatMap(({ name, of, park, adaptive }) =>
        VARIANTS.flatMap(({ variant }) =>
          LOW.flatMap((point) => {
            const atMost = subject.includes("park") ? park : adaptive?.(point);
            return samples.each(
              [subject],
              [THEIRS],
              `: ${name}, ${point} requests/s, ${variant}`,
              { point, variant, figure: of, ...(atMost === undefined ? {} : { atMost }) },
            );
          })
        )
      )
    ),
  notes: [
    "CPU is the processor time of the server, all its threads, in user and kernel mode",
  ],
};
