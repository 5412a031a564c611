/**
 * Comparing a run with an earlier one: by its ratios, since times of different days say nothing.
 *
 * @module
 */
import { BenchmarkError } from "../_harness/command_line.ts";
import { table } from "../_harness/table.ts";
import { type Run, SCHEMA } from "./schema.ts";

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
  const earlier = new Map(ratiosOf(before).map(({ key, median }) => [key, median]));
  return ratiosOf(after).flatMap(({ key, id, label, median }) => {
    const value = earlier.get(key);
    return value === undefined ? [] : [{ id, label, before: value, after: median }];
  });
}

/** Returns the changes as a table, or says that there is nothing to compare. */
export function showChanges(list: readonly Change[]): string {
  if (list.length === 0) return "There is no ratio that both runs have";
  return table(
    ["ratio", "before", "now", "change"],
    list.map(({ id, label, before, after }) => [
      `${id}: ${label}`,
      before.toFixed(3),
      after.toFixed(3),
      before === 0
        ? ""
        : `${after >= before ? "+" : ""}${((after / before - 1) * 100).toFixed(1)} %`,
    ]),
  );
}

function ratiosOf({ experiments }: Run) {
  return experiments.flatMap(({ id, ratios }) =>
    ratios.map(({ label, median }) => ({ key: `${id}\n${label}`, id, label, median }))
  );
}
