/**
 * A server that has worked and is left alone: its processor time and its memory.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { holdConnections } from "../../_harness/connections.ts";
import { cpuOf, memoryOf } from "../../_harness/process_usage.ts";
import type { Workload } from "../workload.ts";

const CONNECTIONS = 100;
/** As long as idle policies may take to notice that nothing happens, and a collector to finish. */
const SETTLE_MS = 500;
const WATCH_MS = 2_000;
/** One hundredth of a core, in milliseconds per second. */
const ONE_PERCENT = 10;

/** See the module's description. */
export const idle: Workload = {
  id: "idle",
  title: "Processor time and memory of an idle server",
  protocol: "tcp",
  subjects: ["c-epoll", "deno-listen", "node", "bun", "ours-generator", "ours-iterator"],
  many: true,
  client: "loopback",
  phases: "none",
  describe: () =>
    `${WATCH_MS} ms with ${CONNECTIONS} open connections, each echoed 100 times before, after ` +
    `${SETTLE_MS} ms of silence`,
  parts: [{
    name: "",
    measure: async ({ server }) => {
      await using _connections = await holdConnections(server, CONNECTIONS, 100);
      await delay(SETTLE_MS);
      const [begin, before] = [performance.now(), await cpuOf(server.pid)];
      await delay(WATCH_MS);
      const after = await cpuOf(server.pid);
      const seconds = (performance.now() - begin) / 1_000;
      const { resident } = await memoryOf(server.pid);
      return [{ server: { idleCpu: (after - before) / seconds, resident } }];
    },
  }],
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      samples.value(
        `${subject}: processor time while idle, ms per s`,
        { subject },
        (sample) => sample.server?.idleCpu,
        { atMost: ONE_PERCENT },
      )
    ),
  notes: [
    "The target is of the idle policy `adaptive`; a server with `spin` is never idle",
    `The kernel counts processor time in steps of 10 ms, which are ${10_000 / WATCH_MS} ms/s here`,
  ],
};
