/**
 * A stream as fast as it goes, to an echo server and back.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { bandwidth } from "../samples.ts";
import type { Workload } from "../workload.ts";

/** More than any server echoes in the time that there is. */
const MOST = 100_000_000;

/** See the module's description. */
export const stream: Workload = {
  id: "stream",
  title: "Bulk stream over TCP, echoed",
  protocol: "tcp",
  subjects: ["c-spin", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  client: "kernel",
  describe: ({ milliseconds }) =>
    `${
      2 * milliseconds
    } ms of messages of 64 KiB, 1 MiB under way, every byte checked as it comes back`,
  parts: [{
    name: "",
    measure: async ({ machine, server, effort: { milliseconds } }) => {
      const own = { size: 65_536, pipeline: 16, timeLimit: 2 * milliseconds };
      const load = { ...own, iterations: MOST, warmup: MOST };
      const { bytes, elapsed } = await loadEcho(machine, server, load);
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
