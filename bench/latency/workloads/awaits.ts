/**
 * The round trip of an echo whose handler awaits something else between the read and the write: what most servers are
 * made of.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { AWAITED } from "../../peers/awaited.ts";
import { during, measureLoad } from "../measurement.ts";
import { latency } from "../samples.ts";
import { oneRoundIn, type Workload } from "../workload.ts";

const THEIRS = "Deno.listen";
const CONNECTIONS = [1, 16, 256];
const CASES = Object.keys(AWAITED).flatMap((awaited, index) =>
  CONNECTIONS.map((connections) => {
    const variant = `${awaited}, ${connections} ${
      connections === 1 ? "connection" : "connections"
    }`;
    return { variant, index, awaited, connections };
  })
);

/** See the module's description. */
export const awaits: Workload = {
  id: "awaits",
  title: "TCP echo that awaits something else, round trip",
  protocol: "awaits",
  subjects: ["deno-listen", "ours-generator", "ours-iterator"],
  many: true,
  client: "kernel",
  rounds: oneRoundIn(32),
  describe: ({ milliseconds }) =>
    `${
      milliseconds / 2
    } ms of echoes of 64 bytes, one at a time on each connection, for each thing that is awaited ` +
    "between the read and the write",
  parts: CASES.map(({ variant, index, connections }) => ({
    name: variant,
    measure: async (trial) => {
      const { server, effort: { milliseconds } } = trial;
      const load = { port: server.ports[index]!, connections, ...during(milliseconds / 2) };
      return [await measureLoad(trial, { variant }, loadEcho, load)];
    },
  })),
  ratios: (samples) =>
    samples.ours.flatMap((subject) =>
      CASES.flatMap(({ variant, awaited, connections }) =>
        // Where many wait, what the middle one sees says little: their peer may serve some, and starve the others.
        (["p50", "mean", "p99"] as const).flatMap((key) =>
          samples.each([subject], [THEIRS], `: ${key}, ${variant}`, {
            variant,
            figure: latency(key),
            atMost: key === "p50" && awaited === "nothing" && connections === 1 ? 0.6 : 1,
          })
        )
      )
    ),
  notes: [
    "A generator joins the promise of what an async function awaits. The chain of `null` is as long as one of middleware",
  ],
};
