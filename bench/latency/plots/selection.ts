/**
 * What of an experiment goes into a plot.
 *
 * @module
 */
import { BenchmarkError } from "../../_harness/command_line.ts";
import { keepSteady } from "../samples.ts";
import { quantile } from "../../_harness/statistics.ts";
import type { Experiment, Sample } from "../schema.ts";
import type { MeasureName } from "./measures.ts";
import { stylesOf, type SubjectStyle } from "./subjects.ts";

/** What to plot, and how. */
export interface PlotOptions {
  /** The figure, where the plot is of one. @default the latency, or else the first that was measured */
  readonly measure?: MeasureName | undefined;
  /** One line about the machine, to stand below the title. @default {""} */
  readonly machine?: string | undefined;
}

/** A subject with those of its samples that count. */
export interface Subject {
  /** Its name, marked where no sample of it is steady. */
  readonly label: string;
  /** How it looks. */
  readonly style: SubjectStyle;
  /** What counts: the steady samples of each point and variant, or all where none is. */
  readonly samples: readonly Sample[];
}

/** Returns the variants, in the order of the samples; `""` for samples without one. */
export function variantsOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.map(({ variant = "" }) => variant))];
}

/** Returns the values of the parameter, from low to high. */
export function pointsOf(samples: readonly Sample[]): number[] {
  const points = samples.flatMap(({ point }) => point ?? []);
  return [...new Set(points)].toSorted((a, b) => a - b);
}

/**
 * Returns the subjects of those samples that `has` what is to be plotted, in the order of the samples.
 *
 * @throws {BenchmarkError} If there are none.
 */
export function subjectsOf(
  experiment: Experiment,
  samples: readonly Sample[],
  has: (sample: Sample) => boolean,
): Subject[] {
  // By all subjects of the experiment, so that its plots agree with one another.
  const styles = stylesOf(experiment.samples.map(({ subject }) => subject));
  const subjects: Subject[] = [];
  for (const [name, own] of Map.groupBy(samples.filter(has), ({ subject }) => subject)) {
    const groups = [...Map.groupBy(own, ({ point, variant }) => `${point} ${variant}`).values()];
    const kept = groups.map(keepSteady);
    const complete = kept.every(([first]) => first!.steady);
    subjects.push({
      label: complete ? name : `${name} (unsteady)`,
      style: styles.get(name)!,
      samples: kept.flat(),
    });
  }
  if (subjects.length > 0) return subjects;
  throw new BenchmarkError(
    `Cannot plot ${experiment.id}: no sample has what the plot shows, measure it or plot another`,
  );
}

/** Returns the median over the rounds of what `figure` reads, leaving out samples without it. */
export function medianOf(
  samples: readonly Sample[],
  figure: (sample: Sample) => number | undefined,
): number | undefined {
  const values = samples.flatMap((sample) => figure(sample) ?? []);
  return values.length === 0 ? undefined : quantile(values, 0.5);
}
