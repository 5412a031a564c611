/**
 * What a profile comes to, for people and for programs.
 *
 * @module
 */
import { describeCalibration, type Reading } from "../_harness/calibration.ts";
import { table } from "../_harness/table.ts";
import { attribute, type CategoryPart, type FunctionPart } from "./attribution.ts";
import { CATEGORIES } from "./categories.ts";
import { countSamples } from "./cpu_profile.ts";
import type { Profiled, Traced } from "./session.ts";
import type { CallCount } from "./tracer.ts";
import type { Loaded } from "./workload.ts";

/** The name and the version of the format of `profile.json`. */
export const SCHEMA = "demikernel-profile/1";

/** A foreign function on the datapath. */
export interface ForeignCall extends CallCount {
  /** Calls in a request, on average. */
  readonly perRequest: number;
  /** How it is called: `fast` and `slow` mean nearly always, `hidden` that it could not be seen. */
  readonly verdict: "fast" | "slow" | "mixed" | "hidden";
}

/** The result, which `--json` prints and `profile.json` keeps. Times are nanoseconds. */
export interface ProfileReport {
  /** {@linkcode SCHEMA}. */
  readonly schema: typeof SCHEMA;
  /** What was profiled. */
  readonly title: string;
  /** The machine, in one line. */
  readonly machine: string;
  /** The command that repeats it. */
  readonly command: string;
  /** The calibration: between the cores and back, before and after the profile. */
  readonly calibration: readonly Reading[];
  /** What the parts sum up to: from one request to the next, without the profiler. */
  readonly nsPerRequest: number;
  /** What the client saw before the profiler ran. */
  readonly before: Loaded;
  /** What it saw meanwhile, and a moment before and after. */
  readonly during: Loaded;
  /** The samples, and how many microseconds apart they were on average. */
  readonly samples: { readonly count: number; readonly apart: number };
  /** Where the time goes, by category. */
  readonly categories: readonly CategoryPart[];
  /** The same by function, the most expensive one first. */
  readonly functions: readonly FunctionPart[];
  /** Foreign calls that at least one request in a hundred makes. */
  readonly foreignCalls: readonly ForeignCall[];
}

/** What a report says beside what was measured. */
export type Heading = Pick<ProfileReport, "title" | "machine" | "command" | "calibration">;

const RARE = 0.01;
const NEARLY = 0.99;
const FUNCTIONS = 15;
/** The mean of a quiet machine is closer to the median than this. */
const NOISY = 1.25;
const NOISE =
  "The mean is far above the median: others used the machine, and their time is in these figures";

/** Returns the report on a profile. */
export function makeReport(heading: Heading, profiled: Profiled, traced: Traced): ProfileReport {
  const { profile, before, during } = profiled;
  const nsPerRequest = before.elapsed / before.requests;
  const count = countSamples(profile);
  const apart = (profile.endTime - profile.startTime) / count;
  return {
    schema: SCHEMA,
    ...heading,
    nsPerRequest,
    before,
    during,
    samples: { count, apart },
    ...attribute(profile, nsPerRequest),
    foreignCalls: foreignCalls(traced),
  };
}

/** Returns the foreign calls that are not rare, the most frequent one first. */
export function foreignCalls({ calls, requests }: Traced): ForeignCall[] {
  return calls
    .map((count) => ({ ...count, perRequest: count.calls / requests, verdict: verdict(count) }))
    .filter(({ perRequest }) => perRequest >= RARE)
    .toSorted((a, b) => b.calls - a.calls);
}

function verdict({ fast, slow }: CallCount): ForeignCall["verdict"] {
  const seen = fast + slow;
  if (seen === 0) return "hidden";
  return fast / seen >= NEARLY ? "fast" : slow / seen >= NEARLY ? "slow" : "mixed";
}

/** Returns the report as text. */
export function formatReport(report: ProfileReport): string {
  const { title, machine, nsPerRequest, before, during, samples, command } = report;
  const cost = during.p50 / before.p50;
  const isQuiet = before.mean < NOISY * before.p50;
  return [
    `${title}\n${machine}`,
    table(
      ["whose time", "ns per request", "share"],
      report.categories.map((part) => [
        `${part.category}: ${CATEGORIES[part.category]}`,
        ...figures(part),
      ]),
    ),
    table(
      ["function, own time", "ns per request", "share", "whose"],
      report.functions.slice(0, FUNCTIONS).map((part) => [
        part.name,
        ...figures(part),
        part.category,
      ]),
    ),
    table(
      ["foreign call", "per request", "fast", "slow", "verdict"],
      report.foreignCalls.map(({ symbol, perRequest, fast, slow, verdict }) => [
        symbol,
        perRequest.toFixed(2),
        String(fast),
        String(slow),
        verdict,
      ]),
    ),
    [
      `A request every ${nsPerRequest.toFixed(0)} ns; for its answer the client waited ` +
      `${before.mean.toFixed(0)} ns on average (median ${before.p50.toFixed(0)})`,
      `With the profiler: median ${during.p50.toFixed(0)} ns, which is ${cost.toFixed(2)} times ` +
      `that; ${samples.count} samples, one every ${samples.apart.toFixed(0)} us`,
      describeCalibration(report.calibration),
      ...isQuiet ? [] : [NOISE],
      "The server polls while it waits for the client: that is within device, libOS and scheduler",
      "Calls per request are of a server that is traced, which is slower and so polls less often",
    ].map((note) => `* ${note}`).join("\n"),
    `Repeat with: ${command}`,
  ].join("\n\n");
}

function figures({ ns, share }: { ns: number; share: number }): [string, string] {
  return [ns.toFixed(0), `${(100 * share).toFixed(1)} %`];
}
