/**
 * The round trip of an echo, by the size of its message.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import type { Workload } from "../workload.ts";

const SIZES = [1, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144];

/** See the module's description. */
export const sizes: Workload = {
  id: "sizes",
  title: "TCP echo by message size, round trip",
  protocol: "tcp",
  subjects: ["c-spin", "deno-listen", "node", "bun", "ours-generator"],
  baseline: "c-spin",
  parameter: { name: "size", unit: "B" },
  rounds: ({ sweepRounds }) => sweepRounds,
  describe: ({ milliseconds }) => `${milliseconds} ms of echoes of each size, one at a time`,
  measure: async (trial) => {
    const { machine, server, effort: { operations: iterations, milliseconds } } = trial;
    const measurements = [];
    for (const size of SIZES) {
      const load = { iterations, size, warmup: 1_000, timeLimit: milliseconds };
      measurements.push(
        await measureLoad(trial, { point: size }, () => loadEcho(machine, server, load)),
      );
    }
    return measurements;
  },
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      SIZES.flatMap((point) =>
        samples.ratio({
          label: `${subject} / C spin, ${point} B, p50`,
          above: { subject, point },
          below: { subject: "C spin", point },
          figure: latency("p50"),
        })
      )
    ),
  notes: [],
};
