/**
 * Many connections: all with a request under way, or one beside thousands that say nothing.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { cost, latency } from "../samples.ts";
import type { Measurement, Workload } from "../workload.ts";

const MANY = 10_000;
/** Together where they are compared with each other. */
const PARTS = [[10], [64], [100], [1_000], [1, MANY]];
/** Those that have frames and no connections are compared where a ring has room for all. */
const ON_DEVICES = ["c-memif", "c-xdp"];

/** What both share. */
const CONNECTIONS = {
  protocol: "tcp",
  subjects: ["c-epoll-spin", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  many: true,
} as const;

/** The rate that a server comes to where all have a request under way, and the latency at that rate. */
export const connections: Workload = {
  ...CONNECTIONS,
  id: "connections",
  title: "TCP echo by number of busy connections",
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
    ...[64, 100, MANY].flatMap((point) =>
      samples.each(
        samples.ours,
        samples.named("c-epoll-spin", ...ON_DEVICES),
        `: cost of an echo, ${point} busy connections`,
        { point, figure: cost },
      )
    ),
  ],
  notes: [
    "The cost of an echo is the time that all took, divided by their number: with one connection it is a " +
    "round trip, with many it is what the busier of client and server needs for each",
  ],
};

/** To open so many connections takes longer than the echoes of a short round. */
const PER_OPERATION = 5;

/** One busy connection beside thousands. */
export const idleConnections: Workload = {
  ...CONNECTIONS,
  id: "idle-connections",
  title: `TCP echo beside ${MANY} idle connections, round trip`,
  client: "kernel",
  parameter: { name: "idle connections", unit: "" },
  describe: ({ operations }) =>
    `${
      PER_OPERATION * operations
    } echoes of 64 bytes on one connection, without and with ${MANY} others that were ` +
    "accepted and echoed once; which comes first alternates from round to round",
  parts: [{
    name: "",
    measure: async (trial) => {
      const { effort: { operations }, round } = trial;
      const measure = (idle: number): Promise<Measurement> => {
        const iterations = PER_OPERATION * operations;
        const load = { iterations, warmup: 10_000, connections: 1 + idle, active: 1 };
        return measureLoad(trial, { point: idle }, loadEcho, load);
      };
      // In a fixed order, whatever a process gains or loses as it ages would be taken for the cost.
      const order = round % 2 === 0 ? [0, MANY] : [MANY, 0];
      return [await measure(order[0]!), await measure(order[1]!)];
    },
  }],
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      samples.ratio({
        label: `${subject}: ${MANY} idle connections / none, p50`,
        above: { subject, point: MANY },
        below: { subject, point: 0 },
        figure: latency("p50"),
        atMost: 1.4,
      })
    ),
  notes: [],
};
