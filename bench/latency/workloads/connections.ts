/**
 * Many connections that all have a request under way: the rate that a server comes to, and the latency at
 * that rate.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { cost } from "../samples.ts";
import type { Workload } from "../workload.ts";

const MANY = 10_000;
/** Together where they are compared with each other. */
const PARTS = [[10], [100], [1_000], [1, MANY]];

/** See the module's description. */
export const connections: Workload = {
  id: "connections",
  title: "TCP echo by number of busy connections",
  protocol: "tcp",
  subjects: ["c-epoll-spin", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  baseline: "c-epoll-spin",
  many: true,
  parameter: { name: "connections", unit: "" },
  describe: ({ milliseconds }) =>
    `${milliseconds} ms with each number of connections, a request of 64 bytes under way on all of them`,
  parts: PARTS.map((numbers) => ({
    name: `${numbers.join(" and ")} connections`,
    measure: async (trial) => {
      const { effort: { milliseconds }, round } = trial;
      const measurements = [];
      for (const connections of round % 2 === 0 ? numbers : numbers.toReversed()) {
        const load = {
          iterations: Math.max(20 * connections, 1_000 * milliseconds),
          // Each connection is known to the server, and its code has seen so many of them.
          warmup: Math.max(2 * connections, 1_000),
          connections,
          timeLimit: milliseconds,
        };
        measurements.push(
          await measureLoad(trial, { point: connections }, loadEcho, load),
        );
      }
      return measurements;
    },
  })),
  ratios: (samples) => [
    ...samples.ours.flatMap((subject) =>
      samples.ratio({
        label: `${subject}: cost of an echo, ${MANY} busy connections / 1`,
        above: { subject, point: MANY },
        below: { subject, point: 1 },
        figure: cost,
        atMost: 1.4,
      })
    ),
    ...samples.ours.flatMap((subject) =>
      [100, MANY].flatMap((point) =>
        samples.each(
          [subject],
          ["C epoll spin"],
          `: cost of an echo, ${point} busy connections`,
          { point, figure: cost },
        )
      )
    ),
  ],
  notes: [
    "The cost of an echo is the time that all took, divided by their number: with one connection it is a " +
    "round trip, with many it is what the busier of client and server needs for each",
  ],
};
