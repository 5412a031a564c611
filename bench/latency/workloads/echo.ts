/**
 * The round trip of an echo: one client, one message of 64 bytes at a time.
 *
 * @module
 */
import { loadEcho } from "../../_harness/load.ts";
import { measureLoad } from "../measurement.ts";
import { latency, type Samples } from "../samples.ts";
import type { RatioResult } from "../schema.ts";
import type { Effort, Workload } from "../workload.ts";

const SIZE = 64;
/** The server was stopped while others had their turn, and its code has left the caches. */
const WARM_UP = 1_000;
/** What a reader must know of ratios of means. */
export const MODES_NOTE: string =
  "Servers on Deno's, Node's and Bun's own sockets have modes, and change between them: their ratios at p50 are " +
  "of the means over the rounds";

/** What TCP and UDP share. */
function echo(protocol: "tcp" | "udp", rest: Pick<Workload, "title" | "subjects" | "ratios">) {
  return {
    id: `${protocol}-echo`,
    protocol,
    phases: "fine",
    rounds: ({ rounds }: Effort) => rounds,
    describe: ({ operations }: Effort) =>
      `${operations} echoes of ${SIZE} bytes, one at a time, on one connection`,
    parts: [{
      name: "",
      measure: async (trial) => {
        const { effort: { operations: iterations } } = trial;
        const load = { iterations, warmup: WARM_UP, udp: protocol === "udp" };
        return [await measureLoad(trial, {}, loadEcho, load)];
      },
    }],
    notes: [MODES_NOTE],
    ...rest,
  } satisfies Workload;
}

/** Echo over TCP, with everybody who has one. */
export const tcpEcho: Workload = echo("tcp", {
  title: "TCP echo, 64 bytes, round trip",
  subjects: [
    "c-spin",
    "c-epoll",
    "c-demikernel",
    "c-memif",
    "c-xdp",
    "deno-listen",
    "node",
    "bun",
    "ours-generator",
    "ours-iterator",
  ],
  ratios: (samples) => [
    ...overC(samples, "ours-generator", 1.05),
    ...overC(samples, "ours-iterator", 1.1),
    ...samples.each(samples.named("ours-generator"), ["C on libdemikernel"], ", p50", {
      figure: latency("p50"),
      atMost: 0.8,
    }),
    ...overOthers(samples, ["deno-listen", "node", "bun"], { p50: 2.2, p99: 2.5 }),
  ],
});

/** Echo over UDP. */
export const udpEcho: Workload = echo("udp", {
  title: "UDP echo, 64 bytes, round trip",
  subjects: ["c-spin", "c-memif", "c-xdp", "deno-listen", "node", "bun", "ours-generator"],
  ratios: (samples) => [
    ...overC(samples, "ours-generator"),
    ...overOthers(samples, ["deno-listen", "node", "bun"]),
  ],
});

/** Ours, divided by the plainest C; the targets are of catnap, which is on the same sockets. */
function overC(samples: Samples, id: string, atMost?: number): RatioResult[] {
  return samples.named(id).flatMap((subject) =>
    samples.named("c-spin", "c-memif", "c-xdp").flatMap((plainest) =>
      (["p50", "p99"] as const).flatMap((key) =>
        samples.each([subject], [plainest], `, ${key}`, {
          figure: latency(key),
          ...(atMost === undefined ? {} : { atMost: key === "p50" ? atMost : 1.25 }),
        })
      )
    )
  );
}

/** What people would use instead, divided by ours. */
function overOthers(
  samples: Samples,
  others: readonly string[],
  targets: { readonly p50?: number; readonly p99?: number } = {},
): RatioResult[] {
  return samples.ours.flatMap((ours) =>
    samples.named(...others).flatMap((other) =>
      (["p50", "p99"] as const).flatMap((key) =>
        samples.each([other], [ours], `, ${key === "p50" ? "mean p50" : key}`, {
          figure: latency(key),
          // A single round in which the host was elsewhere would be most of a mean of p99.
          ofMeans: key === "p50",
          ...(targets[key] === undefined ? {} : { atLeast: targets[key] }),
        })
      )
    )
  );
}
