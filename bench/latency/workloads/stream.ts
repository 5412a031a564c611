/**
 * A stream as fast as it goes, to an echo server and back.
 *
 * @module
 */
import { loadStream } from "../../_harness/load.ts";
import { bandwidth } from "../samples.ts";
import type { Workload } from "../workload.ts";

/** As much as the load generator takes, and more than any server echoes in the time that there is. */
const BYTES = 1e12;
const WARMUP_BYTES = 1e10;

/** See the module's description. */
export const stream: Workload = {
  id: "stream",
  title: "Bulk stream over TCP, echoed",
  protocol: "tcp",
  subjects: ["c-spin", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  baseline: "c-spin",
  client: "kernel",
  describe: ({ milliseconds }) =>
    `${
      2 * milliseconds
    } ms of writes of 64 KiB, 1 MiB under way, every byte checked as it comes back`,
  parts: [{
    name: "",
    measure: async ({ machine, server, effort: { milliseconds } }) => {
      const load = { bytes: BYTES, warmup: WARMUP_BYTES, timeLimit: 2 * milliseconds };
      const { bytes, elapsed } = await loadStream(machine, server, load);
      return [{ bandwidth: bytes / elapsed * 1e9 }];
    },
  }],
  ratios: (samples) =>
    samples.each(
      samples.ours,
      samples.named("c-spin", "deno-listen", "node", "bun"),
      ", bytes per second",
      { figure: bandwidth },
    ),
  notes: [],
};
