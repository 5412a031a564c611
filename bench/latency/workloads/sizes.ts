/**
 * The round trip of an echo, by the size of its message.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { during, measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import type { Workload } from "../workload.ts";

const SIZES = [1, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144];

/** See the module's description. */
export const sizes: Workload = {
  id: "sizes",
  title: "TCP echo by message size, round trip",
  protocol: "tcp",
  subjects: ["c-spin", "c-memif", "c-xdp", "deno-listen", "node", "bun", "ours-generator"],
  parameter: { name: "size", unit: "B" },
  describe: ({ milliseconds }) => `${milliseconds} ms of echoes of each size, one at a time`,
  parts: SIZES.map((size) => ({
    name: `${size} B`,
    measure: async (trial) => {
      const load = { ...during(trial.effort.milliseconds), size, warmup: 1_000 };
      return [await measureLoad(trial, { point: size }, loadEcho, load)];
    },
  })),
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      SIZES.flatMap((point) =>
        samples.each([subject], samples.named("c-spin", "c-memif", "c-xdp"), `, ${point} B, p50`, {
          point,
          figure: latency("p50"),
        })
      )
    ),
  notes: [],
};
