/**
 * Making connections: from connect() until the first echo is back, one after the other.
 *
 * @module
 */
import { loadConnect } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import type { Workload } from "../workload.ts";
import { MODES_NOTE } from "./echo.ts";

/** See the module's description. */
export const setUp: Workload = {
  id: "set-up",
  title: "Connection set-up, from connect() to the first echo",
  protocol: "tcp",
  subjects: ["c-epoll-spin", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  client: "kernel",
  describe: ({ milliseconds }) =>
    `${2 * milliseconds} ms of connections, one after the other, each echoed once and reset`,
  parts: [{
    name: "",
    measure: async (trial) => {
      const { effort: { milliseconds } } = trial;
      const load = { iterations: 100 * milliseconds, warmup: 2_000, timeLimit: 2 * milliseconds };
      return [await measureLoad(trial, {}, loadConnect, load)];
    },
  }],
  ratios: (samples) =>
    samples.ours.flatMap((ours) =>
      samples.each(samples.named("deno-listen", "node", "bun"), [ours], ", mean p50", {
        figure: latency("p50"),
        ofMeans: true,
      })
    ),
  notes: [MODES_NOTE],
};
