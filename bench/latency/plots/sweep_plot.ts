/**
 * A figure over the parameter of an experiment, and throughput against latency.
 *
 * @module
 */
import type { Experiment, Sample } from "../schema.ts";
import { type Axis, renderLines } from "./lines.ts";
import { grouped, mainMeasureOf, MEASURES, p99Of } from "./measures.ts";
import { fitScale } from "./scale.ts";
import { medianOf, type PlotOptions, pointsOf, type Subject, subjectsOf } from "./selection.ts";

/** Labels of the x axis that stand nearer than this share of it would run into each other. */
const NARROWEST = 0.07;

/**
 * Draws the median latency of each subject over the parameter (a size, a number of connections), or another measure, on
 * a logarithmic axis; where latency was not measured, the throughput or the bandwidth. Medians over the steady samples.
 *
 * @throws {BenchmarkError} If no sample has a figure and a point.
 */
export function sweepPlot(experiment: Experiment, options: PlotOptions = {}): string {
  const samples = experiment.samples.filter(({ point }) => point !== undefined);
  const measure = MEASURES[options.measure ?? mainMeasureOf(samples) ?? "latency"];
  const subjects = subjectsOf(experiment, samples, (sample) => measure.of(sample) !== undefined);
  const lines = subjects.map((subject) => ({ subject, points: pointsOfLine(subject, measure.of) }));
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  return renderLines(experiment, options, {
    x: parameterAxis(experiment, pointsOf(samples)),
    y: { scale: fitScale(values), name: measure.name, label: (tick) => grouped(tick) },
    lines,
  });
}

/**
 * Draws, for each subject, the median (solid) and the 99th percentile (dashed) of its latency over the
 * operations per second that it achieved: a mark per value of the parameter, in the order of the
 * parameter, medians over the steady samples. A line that turns back shows a server that does less the
 * more is asked of it.
 *
 * @throws {BenchmarkError} If no sample has both latency and throughput.
 */
export function loadPlot(experiment: Experiment, options: PlotOptions = {}): string {
  const { samples } = experiment;
  const lines = subjectsOf(experiment, samples, isOnPlot).flatMap((subject) => [
    { subject, points: pointsOfLine(subject, MEASURES.latency.of, MEASURES.throughput.of) },
    { subject, points: pointsOfLine(subject, p99Of, MEASURES.throughput.of), dashed: true },
  ]);
  const all = lines.flatMap(({ points }) => points);
  return renderLines(experiment, options, {
    x: {
      scale: fitScale(all.map(([throughput]) => throughput)),
      name: MEASURES.throughput.name + describeMarks(experiment, pointsOf(samples)),
      label: (tick) => grouped(tick),
    },
    y: {
      scale: fitScale(all.map(([, latency]) => latency)),
      name: "latency, µs",
      label: (tick) => grouped(tick),
    },
    lines,
    key: { solid: "median", dashed: "99 %" },
  });
}

function isOnPlot(sample: Sample): boolean {
  return MEASURES.latency.of(sample) !== undefined && sample.throughput !== undefined;
}

function describeMarks({ parameter }: Experiment, points: readonly number[]): string {
  if (parameter === undefined || points.length < 2) return "";
  const range = `${grouped(points[0]!)} to ${grouped(points.at(-1)!)} ${parameter.unit}`.trimEnd();
  return ` (marks: ${parameter.name} ${range})`;
}

/** The points of a line in the order of the parameter, medians of two figures; over the parameter itself by default. */
function pointsOfLine(
  { samples }: Subject,
  y: (sample: Sample) => number | undefined,
  x?: (sample: Sample) => number | undefined,
): [number, number][] {
  return [...Map.groupBy(samples, ({ point }) => point ?? 0)]
    .toSorted(([a], [b]) => a - b)
    .map(([point, samples]) => [x ? medianOf(samples, x)! : point, medianOf(samples, y)!]);
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
