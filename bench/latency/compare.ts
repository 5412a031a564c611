/**
 * Comparing a run with an earlier one: by its ratios, since times of different days say nothing.
 *
 * @module
 */
import { isOnePhase } from "../_harness/calibration.ts";
import { BenchmarkError } from "../_harness/command_line.ts";
import { table } from "../_harness/table.ts";
import { type RatioResult, type Run, SCHEMA } from "./schema.ts";

/** A ratio that both runs have. */
export interface Change {
  /** The experiment. */
  readonly id: string;
  /** Which is divided by which. */
  readonly label: string;
  /** What it was. */
  readonly before: number;
  /** What it is. */
  readonly after: number;
  /** Whether the cores were as far apart in both runs; if not, a change says nothing. */
  readonly samePhase: boolean;
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

/** Returns the ratios that both runs have. */
export function changes(before: Run, after: Run): Change[] {
  const earlier = new Map(ratiosOf(before).map((ratio) => [ratio.key, ratio]));
  return ratiosOf(after).flatMap(({ key, id, phase, ratio }) => {
    const old = earlier.get(key);
    if (old === undefined) return [];
    return [{
      id,
      label: ratio.label,
      before: old.ratio.median,
      after: ratio.median,
      samePhase: isOnePhase([old.phase, phase]),
      certain: isOutside(ratio.median, old.ratio) && isOutside(old.ratio.median, ratio),
    }];
  });
}

/** Returns the changes as a table, or says that there is nothing to compare. */
export function showChanges(list: readonly Change[]): string {
  if (list.length === 0) return "There is no ratio that both runs have";
  return table(
    ["ratio", "before", "now", "change", ""],
    list.map(({ id, label, before, after, samePhase, certain }) => [
      `${id}: ${label}`,
      before.toFixed(3),
      after.toFixed(3),
      before === 0
        ? ""
        : `${after >= before ? "+" : ""}${((after / before - 1) * 100).toFixed(1)} %`,
      samePhase ? certain ? "" : "may be chance" : "other phase: no comparison",
    ]),
  );
}

function ratiosOf({ experiments }: Run) {
  return experiments.flatMap(({ id, phase = NaN, ratios }) =>
    ratios.map((ratio) => ({ key: `${id}\n${ratio.label}`, id, phase, ratio }))
  );
}

function isOutside(value: number, { low, high }: RatioResult): boolean {
  return value < low || value > high;
}
