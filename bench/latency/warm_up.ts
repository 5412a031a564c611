/**
 * Warming a server up until its code is as fast as it gets. How many requests that takes differs between
 * engines and from run to run, so it is seen, not assumed.
 *
 * @module
 */
import { Histogram } from "../_harness/histogram.ts";
import { type Protocol, REQUESTS } from "./servers.ts";
import type { Trial } from "./workload.ts";

/** Requests between two looks, or three times as many as a short round has. V8's last tier takes some ten thousand. */
const WINDOW = 10_000;
const ROUNDS = 3;
/** Two medians in a row that differ by less than this are of compiled code. */
const TOLERANCE = 0.02;
/** Less than this says nothing: the first tiers have steady speeds of their own. */
const LEAST_WINDOWS = 3;
/** A server with modes of its own never settles. */
const MOST_WINDOWS = 8;
const PATIENCE_MS = 2_000;

/** Makes requests until two medians in a row agree. One in C has nothing to compile. */
export async function warmUp(protocol: Protocol, trial: Trial): Promise<void> {
  let previous = Infinity;
  const most = trial.subject.runtime === "c" ? 1 : MOST_WINDOWS;
  for (let window = 1; window <= most; window++) {
    const median = await medianOfWindow(protocol, trial);
    const steady = Math.abs(median / previous - 1) < TOLERANCE;
    if (steady && window >= LEAST_WINDOWS) return;
    previous = median;
  }
}

async function medianOfWindow(protocol: Protocol, trial: Trial): Promise<number> {
  const { machine, server, effort: { operations } } = trial;
  const window = Math.min(WINDOW, ROUNDS * operations);
  const { times } = await REQUESTS[protocol](machine, server, window, PATIENCE_MS);
  return Histogram.of(times).quantile(0.5);
}
