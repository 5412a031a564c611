/**
 * A figure over the parameter of an experiment.
 *
 * @module
 */
import { BenchmarkError } from "../../_harness/command_line.ts";
import type { Experiment } from "../schema.ts";
import { type Axis, renderLines } from "./lines.ts";
import { grouped, mainMeasureOf, type Measure, MEASURES } from "./measures.ts";
import { fitScale } from "./scale.ts";
import {
  medianOf,
  ofVariant,
  type PlotOptions,
  pointsOf,
  type Subject,
  subjectsOf,
} from "./selection.ts";

/** Labels of the x axis that stand nearer than this share of it would run into each other. */
const NARROWEST = 0.07;

/**
 * Draws the median latency of each subject over the parameter (a size, a number of connections), or another measure, on
 * a logarithmic axis; where latency was not measured, the throughput or the bandwidth. Medians over the steady samples.
 *
 * @throws {BenchmarkError} If no sample has a figure and a point, or there are several variants and none
 * is chosen.
 */
export function sweepPlot(experiment: Experiment, options: PlotOptions = {}): string {
  const samples = ofVariant(experiment, options).filter(({ point }) => point !== undefined);
  const name = options.measure ?? mainMeasureOf(samples);
  if (name === undefined) {
    throw new BenchmarkError(
      `Cannot plot ${experiment.id}: no sample has a point and a figure, use the bar chart`,
    );
  }
  const measure = MEASURES[name];
  const subjects = subjectsOf(experiment, samples, (sample) => measure.of(sample) !== undefined);
  const lines = subjects.map((subject) => ({ subject, points: pointsOfLine(subject, measure) }));
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  return renderLines(experiment, options, {
    x: parameterAxis(experiment, pointsOf(samples)),
    y: { scale: fitScale(values), name: measure.name, label: (tick) => grouped(tick) },
    lines,
  });
}

function pointsOfLine({ samples }: Subject, measure: Measure): [number, number][] {
  return [...Map.groupBy(samples, ({ point }) => point!)]
    .toSorted(([a], [b]) => a - b)
    .map(([point, samples]) => [point, medianOf(samples, measure.of)!]);
}

function parameterAxis({ parameter }: Experiment, points: readonly number[]): Axis {
  const { name = "", unit = "" } = parameter ?? {};
  const min = points[0]!;
  const max = points.at(-1)!;
  // No connection at all is a point as well, and has no logarithm: the points then stand evenly.
  const at = min > 0 ? Math.log10 : (value: number) => points.indexOf(value);
  const width = at(max) - at(min) || 1;
  const ticks: number[] = [];
  for (const point of points) {
    const last = ticks.at(-1);
    if (last === undefined || at(point) - at(last) >= NARROWEST * width) ticks.push(point);
  }
  return {
    // Room beside the outermost marks, which would lie on the axis otherwise.
    scale: { from: -0.03, to: 1.03, ticks, at: (value) => (at(value) - at(min)) / width },
    name: [name, unit].filter(Boolean).join(", "),
    label: (tick) => grouped(tick),
  };
}
