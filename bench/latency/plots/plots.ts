/**
 * The plots of a run.
 *
 * @module
 */
import type { Experiment, Run } from "../schema.ts";
import { barChart } from "./bar_chart.ts";
import { mainMeasureOf, MEASURES } from "./measures.ts";
import { percentilePlot } from "./percentile_plot.ts";
import { pointsOf, variantsOf } from "./selection.ts";
import { loadPlot, sweepPlot } from "./sweep_plot.ts";

/** Parameters that say how much is asked of a server at once. */
const LOADS = ["rate", "connections", "clients", "depth"];
/** Operations in flight from which on the throughput says more than the latency does. */
const CONCURRENT = 1.5;

/**
 * Draws the plots that each experiment deserves:
 *
 * - with one point, bars (`tcp-echo.bars.svg`); if latency was measured, and there are no variants, its
 *   distribution (`tcp-echo.percentiles.svg`); if operations were in flight together, bars of the throughput
 *   (`kv.throughput.svg`);
 * - with several, the median over the parameter (`tcp-sizes.sweep.svg`), unless that is a rate;
 *   where it says how much is asked at once, throughput against latency (`tcp-rates.load.svg`); if processor time was
 *   measured, that of a request over the parameter (`tcp-rates.cpu.svg`); one of each per variant.
 *
 * An experiment without samples has none.
 *
 * @returns The texts of the SVG files, by file name.
 */
export function plots(run: Run): Map<string, string> {
  const files = new Map<string, string>();
  const machine = run.machine.description;
  for (const experiment of run.experiments) {
    const draw = pointsOf(experiment.samples).length > 1 ? plotsOfPoints : plotsOfOnePoint;
    for (const [name, svg] of draw(experiment, machine)) files.set(`${experiment.id}.${name}`, svg);
  }
  return files;
}

function* plotsOfOnePoint(experiment: Experiment, machine: string): Generator<[string, string]> {
  const { samples } = experiment;
  const main = mainMeasureOf(samples);
  if (main === undefined) return;
  yield ["bars.svg", barChart(experiment, { machine })];
  if (main !== "latency") return;
  // The distributions of each variant would fill pages.
  const isOne = variantsOf(samples).length === 1;
  if (isOne && samples.some(({ latency }) => latency?.histogram !== undefined)) {
    yield ["percentiles.svg", percentilePlot(experiment, { machine })];
  }
  // By Little's law; one after the other, the throughput is the inverse of the latency.
  const concurrent = samples.some(({ latency, throughput = 0 }) =>
    latency !== undefined && throughput * latency.mean / 1e9 > CONCURRENT
  );
  if (concurrent) {
    yield ["throughput.svg", barChart(experiment, { measure: "throughput", machine })];
  }
}

function* plotsOfPoints(experiment: Experiment, machine: string): Generator<[string, string]> {
  const parameter = experiment.parameter?.name ?? "";
  for (const [prefix, variant] of variants(experiment)) {
    const { samples } = variant;
    const isMeasured = mainMeasureOf(samples) !== undefined;
    if (isMeasured && parameter !== "rate") {
      yield [`${prefix}sweep.svg`, sweepPlot(variant, { machine })];
    }
    const hasBoth = samples.some(({ latency, throughput }) =>
      (latency?.count ?? 0) > 0 && throughput !== undefined
    );
    if (hasBoth && LOADS.includes(parameter)) {
      yield [`${prefix}load.svg`, loadPlot(variant, { machine })];
    }
    if (samples.some((sample) => MEASURES.cpu.of(sample) !== undefined)) {
      yield [`${prefix}cpu.svg`, sweepPlot(variant, { machine, measure: "cpu" })];
    }
  }
}

/** The variants of an experiment, each as one of its own, with what its files begin with; nothing where there is one. */
function variants(experiment: Experiment): [prefix: string, Experiment][] {
  const names = variantsOf(experiment.samples);
  if (names.length === 1) return [["", experiment]];
  return names.map((variant) => {
    const slug = variant.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
    const title = [experiment.title, variant].filter(Boolean).join(" — ");
    const samples = experiment.samples.filter((sample) => (sample.variant ?? "") === variant);
    return [`${slug || "other"}.`, { ...experiment, title, samples }];
  });
}
