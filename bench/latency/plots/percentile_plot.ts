/**
 * The distribution of a latency, as HDR histograms are plotted.
 *
 * @module
 */
import { Histogram } from "../../_harness/histogram.ts";
import type { Experiment } from "../schema.ts";
import { type Line, renderLines } from "./lines.ts";
import { grouped } from "./measures.ts";
import { fitScale } from "./scale.ts";
import { type PlotOptions, type Subject, subjectsOf } from "./selection.ts";

/** The percentiles that are written at the axis and marked on the lines. */
const MARKED = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];
const NAMES = ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
/** A line ends where fewer samples are left above it: so few are chance, and differ from run to run. */
const LEFT_ABOVE = 10;
/** Points per decade: as dense as the eye can tell, and no more. */
const DENSITY = 25;

/**
 * Draws latency by percentile: the share `q` stands at log(1 / (1 - q)), so that each further nine has
 * as much room as the one before. Each line is the sum of the subject's steady samples, and ends where
 * fewer than ten samples are above: those are chance, and would differ from run to run.
 *
 * @throws {BenchmarkError} If there is no latency.
 */
export function percentilePlot(experiment: Experiment, options: PlotOptions = {}): string {
  const { samples } = experiment;
  const has = ({ latency }: typeof samples[number]) => latency?.histogram !== undefined;
  const lines = subjectsOf(experiment, samples, has).map(lineOf);
  const end = Math.max(...lines.map(({ points }) => place(points.at(-1)![0])));
  const latencies = lines.flatMap(({ points }) => points.map(([, us]) => us));
  return renderLines(experiment, options, {
    x: {
      scale: { from: 0, to: end, ticks: MARKED.filter((q) => place(q) <= end), at: place },
      name: "percentile",
      label: (tick) => NAMES[MARKED.indexOf(tick)]!,
    },
    y: { scale: fitScale(latencies), name: "latency, µs", label: (tick) => grouped(tick) },
    lines,
  });
}

function lineOf(subject: Subject): Line {
  const histograms = subject.samples.map(({ latency }) => Histogram.decode(latency!.histogram!));
  const sum = Histogram.sum(histograms);
  // Of very few, the median at least.
  const end = Math.max(1 - LEFT_ABOVE / sum.count, 0.5);
  const steps = Math.ceil(place(end) * DENSITY);
  const even = Array.from({ length: steps }, (_, index) => 1 - 10 ** (-index / DENSITY));
  const shares = new Set([...even, ...MARKED.filter((q) => q < end), end]);
  return {
    subject,
    points: [...shares].toSorted((a, b) => a - b).map((q) => [q, sum.quantile(q) / 1e3] as const),
    isMarked: (q) => MARKED.includes(q),
  };
}

/** Where a share stands on the axis; rounded, so that whole nines stand on whole numbers. */
function place(q: number): number {
  return Number((-Math.log10(1 - q)).toFixed(6)) + 0;
}
