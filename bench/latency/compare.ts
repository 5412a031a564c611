/**
 * Comparing a run with an earlier one: by its ratios, since times of different days say nothing, and within a phase of
 * the machine that both runs met.
 *
 * @module
 */
import { describeReading, type Reading } from "../_harness/calibration.ts";
import { commonPhase, isOf, levelOf } from "../_harness/phase.ts";
import { BenchmarkError } from "../_harness/command_line.ts";
import { table } from "../_harness/table.ts";
import { Samples } from "./samples.ts";
import { type Experiment, type RatioResult, type Run, SCHEMA } from "./schema.ts";
import { WORKLOADS } from "./workloads/mod.ts";

/** An experiment that both runs have. */
export interface Comparison {
  /** The experiment. */
  readonly id: string;
  /** The phase of the machine that is compared; absent where there is none to tell, or none that both met. */
  readonly phase?: Reading;
  /** The ratios that both have in it. */
  readonly changes: readonly Change[];
}

/** A ratio that both runs have. */
export interface Change {
  /** Which is divided by which. */
  readonly label: string;
  /** What it was. */
  readonly before: number;
  /** What it is. */
  readonly after: number;
  /** Of how many rounds each of the two is; absent for a figure that counts by itself. */
  readonly rounds?: readonly [before: number, after: number];
  /**
   * Whether each of the two lies outside of the bounds that the other one has with a probability of 95 %: if not, the
   * difference may be chance.
   */
  readonly certain: boolean;
}

/**
 * Reads the results of an earlier run.
 *
 * @throws {BenchmarkError} If the file cannot be read, or is of another format.
 */
export async function readRun(path: string): Promise<Run> {
  let run: Run;
  try {
    run = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    const state = error instanceof SyntaxError ? "they are not JSON" : (error as Error).message;
    throw new BenchmarkError(
      `Cannot read results from ${path}: ${state}; give a results.json that --out has written`,
    );
  }
  if (run?.schema === SCHEMA) return run;
  throw new BenchmarkError(
    `Cannot read results from ${path}: their format is ${
      Deno.inspect(run?.schema)
    }, not "${SCHEMA}"`,
  );
}

/** Compares the experiments that both runs have. */
export function compare(before: Run, after: Run): Comparison[] {
  return after.experiments.flatMap((experiment) => {
    const earlier = before.experiments.find(({ id }) => id === experiment.id);
    return earlier === undefined ? [] : [compareExperiments(earlier, experiment)];
  });
}

function compareExperiments(before: Experiment, after: Experiment): Comparison {
  const { id } = after;
  const workload = WORKLOADS.find((one) => one.id === id);
  const phases = workload?.phases ?? "coarse";
  if (workload === undefined || phases === "none") {
    return { id, changes: changes(before.ratios, after.ratios) };
  }
  const common = commonPhase([before, after].map(levelsOf), phases);
  if (common === undefined) return { id, changes: [] };
  // Whatever most of each run was, only what both have met counts here.
  const inPhase = (experiment: Experiment): Experiment => ({
    ...experiment,
    samples: experiment.samples.filter(({ phase }) => isOf(phase, common))
      .map((sample) => ({ ...sample, steady: true })),
  });
  const [one, other] = [inPhase(before), inPhase(after)];
  const ratios = ({ subjects, samples }: Experiment) =>
    workload.ratios(new Samples(subjects, samples));
  const phase = levelOf([one, other].flatMap(levelsOf).filter((level) => level !== undefined));
  return { id, phase, changes: changes(ratios(one), ratios(other)) };
}

function levelsOf({ samples }: Experiment): (Reading | undefined)[] {
  return samples.map(({ phase }) => phase);
}

/** Returns the ratios that both have. */
function changes(before: readonly RatioResult[], after: readonly RatioResult[]): Change[] {
  return after.flatMap((ratio) => {
    const old = before.find(({ label }) => label === ratio.label);
    if (old === undefined) return [];
    const certain = isOutside(ratio.median, old) && isOutside(old.median, ratio);
    const { label, median } = ratio;
    const rounds = old.rounds === undefined || ratio.rounds === undefined
      ? {}
      : { rounds: [old.rounds, ratio.rounds] as const };
    return [{ label, before: old.median, after: median, ...rounds, certain }];
  });
}

/** Returns a comparison as text, or says that there is nothing to compare. */
export function showComparisons(comparisons: readonly Comparison[]): string {
  if (comparisons.length === 0) return "There is no experiment that both runs have";
  return comparisons.map(showComparison).join("\n\n");
}

function showComparison({ id, phase, changes }: Comparison): string {
  if (changes.length === 0) {
    return `${id}: there is no ratio that both runs have, or none in one phase of the machine`;
  }
  const level = phase === undefined
    ? ""
    : `, in one phase of the machine (${describeReading(phase)} between the cores)`;
  const rows = changes.map(({ label, before, after, rounds, certain }) => [
    label,
    before.toFixed(3),
    after.toFixed(3),
    before === 0 ? "" : `${after >= before ? "+" : ""}${((after / before - 1) * 100).toFixed(1)} %`,
    rounds?.join(" and ") ?? "",
    certain ? "" : "may be chance",
  ]);
  return `${id}${level}\n` + table(["ratio", "before", "now", "change", "rounds", ""], rows);
}

/** Without bounds nothing is certain. */
function isOutside(value: number, { low, high }: RatioResult): boolean {
  return low !== undefined && high !== undefined && (value < low || value > high);
}
