/**
 * One busy connection beside thousands that say nothing.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import type { Measurement, Workload } from "../workload.ts";

const IDLE = 10_000;
/** To open so many connections takes longer than the echoes of a short round. */
const PER_OPERATION = 5;

/** See the module's description. */
export const idleConnections: Workload = {
  id: "idle-connections",
  title: `TCP echo beside ${IDLE} idle connections, round trip`,
  protocol: "tcp",
  subjects: ["c-epoll-spin", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  baseline: "c-epoll-spin",
  many: true,
  parameter: { name: "idle connections", unit: "" },
  describe: ({ operations }) =>
    `${
      PER_OPERATION * operations
    } echoes of 64 bytes on one connection, without and with ${IDLE} others that were ` +
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
      const order = round % 2 === 0 ? [0, IDLE] : [IDLE, 0];
      return [await measure(order[0]!), await measure(order[1]!)];
    },
  }],
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      samples.ratio({
        label: `${subject}: ${IDLE} idle connections / none, p50`,
        above: { subject, point: IDLE },
        below: { subject, point: 0 },
        figure: latency("p50"),
        atMost: 1.4,
      })
    ),
  notes: [],
};
