/**
 * From what a load generator brought to what the results keep.
 *
 * @module
 */
import { Histogram } from "../_harness/histogram.ts";
import type { Load } from "../_harness/load.ts";
import type { Measurement, Trial } from "./workload.ts";

/** Where in a workload something was measured. */
export type Place = Pick<Measurement, "point" | "variant">;

/** Nobody answers faster than in 2 us. */
const MOST_PER_MILLISECOND = 500;

/** Returns the options of a load that its time alone ends, in milliseconds, and its warm-up likewise. */
export function during(
  milliseconds: number,
): { readonly iterations: number; readonly warmup: number; readonly timeLimit: number } {
  const most = MOST_PER_MILLISECOND * milliseconds;
  return { iterations: most, warmup: most, timeLimit: milliseconds };
}

/**
 * Runs a load and keeps the latencies, the rate, and the server's pauses meanwhile. Where nothing was answered
 * there is no latency, which is not the same as one of zero.
 */
export async function measureLoad<Options>(
  { machine, server }: Trial,
  place: Place,
  load: Load<Options>,
  options: Options,
): Promise<Measurement> {
  const mark = await server.mark();
  const { times, operations, elapsed, lost, unanswered, cpu } = await load(
    machine,
    server,
    options,
  );
  const pauses = await server.pausesSince(mark);
  return {
    ...place,
    ...(times.length === 0 ? {} : { latency: Histogram.of(times).figures() }),
    throughput: operations / elapsed * 1e9,
    ...(lost === undefined ? {} : { lost }),
    ...(unanswered === undefined ? {} : { unanswered }),
    ...(pauses === undefined ? {} : { pauses }),
    ...(cpu === undefined ? {} : { server: { cpu: cpu / elapsed * 1e3 } }),
  };
}
