/**
 * Requests that are due by a schedule, whatever the server does. Latency counts from when a request was due,
 * so that the waiting of those behind a slow one is not hidden ("coordinated omission").
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import type { Workload } from "../workload.ts";

const RATES = [10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 140_000];
const CONNECTIONS = 16;
/** A rate that nobody is behind at, and gaps of all lengths come in. */
const WARM_UP_RATE = 30_000;
const WARM_UP_MS = 4_000;
/** A rate that all can take, and where those behind are in trouble already. */
const COMPARED = [20_000, 60_000];

/** See the module's description. */
export const openLoop: Workload = {
  id: "open-loop",
  title: "TCP echo at a set rate, latency from when it was due",
  protocol: "tcp",
  subjects: ["c-epoll-spin", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  baseline: "c-epoll-spin",
  many: true,
  parameter: { name: "rate", unit: "requests/s" },
  rounds: ({ sweepRounds }) => sweepRounds,
  describe: ({ milliseconds }) =>
    `${milliseconds} ms of requests of 64 bytes at each rate, due at random (Poisson) over ` +
    `${CONNECTIONS} connections`,
  // At random times, the code of a server takes other ways than in a closed loop: it would be compiled anew while
  // measured, for milliseconds, on the one core that it has.
  warmUp: async ({ machine, server }) => {
    await loadEcho(machine, server, {
      iterations: WARM_UP_RATE * WARM_UP_MS / 1_000,
      rate: WARM_UP_RATE,
      connections: CONNECTIONS,
      timeLimit: WARM_UP_MS,
    });
  },
  parts: RATES.map((rate) => ({
    name: `${rate} requests/s`,
    measure: async (trial) => {
      const { machine, server, effort: { milliseconds }, round } = trial;
      const load = {
        iterations: Math.ceil(rate * milliseconds / 1_000),
        warmup: 1_000,
        rate,
        connections: CONNECTIONS,
        seed: round + 1,
        // Whoever cannot keep up would be waited for as long as the queue is.
        timeLimit: 1.5 * milliseconds,
      };
      return [await measureLoad(trial, { point: rate }, () => loadEcho(machine, server, load))];
    },
  })),
  ratios: (samples) =>
    samples.ours.flatMap((ours) =>
      ["deno-listen", "node", "bun"].flatMap((id) => samples.named(id)).flatMap((other) =>
        COMPARED.flatMap((point) =>
          samples.ratio({
            label: `${other} / ${ours}, ${point} requests/s, p99`,
            above: { subject: other, point },
            below: { subject: ours, point },
            figure: latency("p99"),
          })
        )
      )
    ),
  notes: [
    "A server that cannot keep up with a rate has a latency as long as the run is; `late` counts what was " +
    "still due at its end, and has no latency",
  ],
};
