/**
 * Throughput against latency.
 *
 * @module
 */
import type { Experiment, Sample } from "../schema.ts";
import { renderLines } from "./lines.ts";
import { grouped, MEASURES, p99Of } from "./measures.ts";
import { fitScale } from "./scale.ts";
import {
  medianOf,
  ofVariant,
  type PlotOptions,
  pointsOf,
  type Subject,
  subjectsOf,
} from "./selection.ts";

/**
 * Draws, for each subject, the median (solid) and the 99th percentile (dashed) of its latency over the
 * operations per second that it achieved: a mark per value of the parameter, in the order of the
 * parameter, medians over the steady samples. A line that turns back shows a server that does less the
 * more is asked of it.
 *
 * @throws {BenchmarkError} If no sample has both latency and throughput, or there are several variants
 * and none is chosen.
 */
export function loadPlot(experiment: Experiment, options: PlotOptions = {}): string {
  const samples = ofVariant(experiment, options);
  const lines = subjectsOf(experiment, samples, isOnPlot).flatMap((subject) => [
    { subject, points: pointsOfLine(subject, MEASURES.latency.of) },
    { subject, points: pointsOfLine(subject, p99Of), dashed: true },
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

function pointsOfLine(
  { samples }: Subject,
  latency: (sample: Sample) => number | undefined,
): [number, number][] {
  return [...Map.groupBy(samples, ({ point }) => point ?? 0)]
    .toSorted(([a], [b]) => a - b)
    .map((
      [, samples],
    ) => [medianOf(samples, MEASURES.throughput.of)!, medianOf(samples, latency)!]);
}

function describeMarks({ parameter }: Experiment, points: readonly number[]): string {
  if (parameter === undefined || points.length < 2) return "";
  const range = `${grouped(points[0]!)} to ${grouped(points.at(-1)!)} ${parameter.unit}`.trimEnd();
  return ` (marks: ${parameter.name} ${range})`;
}
