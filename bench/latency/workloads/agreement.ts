/**
 * Whether this harness measures what a plain C program measures: the same echo server, by the client of the
 * harness and by one that shares no code with it but the sockets.
 *
 * @module
 */
import { loadEcho, runClient } from "../../_harness/load.ts";
import { buildPeer } from "../../_harness/c_peer.ts";
import { measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import type { Measurement, Trial, Workload } from "../workload.ts";

const HARNESS = "this harness";
const PLAIN = "plain C client";
const WARM_UP = 500;

/** See the module's description. */
export const agreement: Workload = {
  id: "agreement",
  title: "One C echo server, measured by this harness and by a plain C client",
  protocol: "tcp",
  subjects: ["c-spin"],
  client: "loopback",
  phases: "fine",
  rounds: ({ rounds }) => rounds,
  describe: ({ operations }) =>
    `${operations} echoes of 64 bytes by each client; which comes first alternates from round to round`,
  parts: [{
    name: "",
    measure: async (trial) => {
      const { effort: { operations: iterations }, round } = trial;
      const load = { iterations, warmup: WARM_UP, size: 64 };
      const harness = () => measureLoad(trial, { variant: HARNESS }, loadEcho, load);
      const plain = () => measurePlainly(trial);
      const [first, second] = round % 2 === 0 ? [harness, plain] : [plain, harness];
      return [await first(), await second()];
    },
  }],
  ratios: (samples) =>
    (["p50", "p99"] as const).flatMap((key) =>
      samples.ratio({
        label: `${HARNESS} / ${PLAIN}, ${key} of C spin`,
        above: { subject: "C spin", variant: HARNESS },
        below: { subject: "C spin", variant: PLAIN },
        figure: latency(key),
        ...(key === "p50" ? { atLeast: 0.95, atMost: 1.05 } : {}),
      })
    ),
  notes: ["The plain client sorts its times; it has no histogram"],
};

async function measurePlainly(
  { machine, server, effort: { operations } }: Trial,
): Promise<Measurement> {
  const program = await buildPeer(machine, "pingpong");
  const argv = [program, server.port, operations, WARM_UP].map(String);
  return { variant: PLAIN, latency: JSON.parse(await runClient(machine, server, argv)) };
}
