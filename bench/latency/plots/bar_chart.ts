/**
 * The peers side by side.
 *
 * @module
 */
import type {
  CustomSeriesOption,
  CustomSeriesRenderItemAPI,
  CustomSeriesRenderItemReturn,
} from "npm:echarts@6.1.0";
import type { Experiment, Sample } from "../schema.ts";
import { figure, grouped, mainMeasureOf, type Measure, MEASURES, p99Of } from "./measures.ts";
import { CHARACTER, cut, HEAD, INK, renderSvg } from "./render.ts";
import { linear, namedAxis } from "./scale.ts";
import { medianOf, type PlotOptions, subjectsOf, variantsOf } from "./selection.ts";
import type { SubjectStyle } from "./subjects.ts";

const ROW = 28;
const BAR = 16;
const LONGEST_LABEL = 36;
/** Room for the figures of the longest bar. */
const FIGURES = 150;
/** A p99 further out than this many times the slowest median does not stretch the axis. */
const LONGEST_WHISKER = 3;
/** Keeps the lines of the grid off the figures. */
const HALO = { stroke: INK.card, lineWidth: 4 };

/** What a bar chart shows, of an experiment that has several figures. */
interface Bar {
  readonly value: number;
  readonly p99: number | undefined;
  readonly style: SubjectStyle;
}

/** A line of the chart: a subject, or, without a bar, the heading of those that follow. */
interface Row {
  readonly label: string;
  readonly bar?: Bar;
}

/**
 * Draws a horizontal bar per subject, the best on top, with its figure beside it: medians over the steady
 * samples. A bar of latency has a whisker from the median to the 99th percentile; one that is far out ends
 * in an arrow, since bars need a linear axis from zero and would have no length otherwise. Variants stand
 * below one another, each under its heading.
 *
 * @throws {BenchmarkError} If nothing was measured.
 */
export function barChart(experiment: Experiment, options: PlotOptions = {}): string {
  const name = options.measure ?? mainMeasureOf(experiment.samples) ?? "latency";
  const measure = MEASURES[name];
  const rows = rowsOf(experiment, measure);
  const bars = rows.flatMap(({ bar }) => bar ?? []);
  const longest = Math.max(...bars.map(({ value }) => value));
  const furthest = Math.max(longest, ...bars.map(({ p99 }) => p99 ?? 0));
  const scale = linear(Math.min(furthest, longest * LONGEST_WHISKER));
  const labels = Math.min(LONGEST_LABEL, Math.max(...rows.map(({ label }) => label.length)));
  const frame = {
    title: experiment.title,
    subtitle: [experiment.effort, options.machine ?? ""],
    height: HEAD + rows.length * ROW + 62,
  };
  return renderSvg(frame, {
    grid: {
      left: labels * CHARACTER + 40,
      right: FIGURES,
      top: HEAD,
      bottom: 62,
      outerBoundsMode: "none",
    },
    xAxis: namedAxis(
      scale,
      name === "latency" ? "latency, µs: bar to the median, whisker to 99 %" : measure.name,
      (tick) => grouped(tick),
    ),
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map(({ label, bar }) => ({
        value: cut(label, LONGEST_LABEL),
        textStyle: {
          fontWeight: bar === undefined || bar.style.ours ? "bold" as const : "normal" as const,
          color: bar === undefined ? INK.faint : INK.title,
        },
      })),
      axisTick: { show: false },
      axisLine: { show: true, lineStyle: { color: INK.axis } },
      axisLabel: { fontSize: 12, interval: 0 },
      splitLine: { show: false },
    },
    series: [barSeries(rows, scale.to)],
  });
}

function rowsOf(experiment: Experiment, measure: Measure): Row[] {
  const has = (sample: Sample) => measure.of(sample) !== undefined;
  const measured = experiment.samples.filter(has);
  const variants = variantsOf(measured);
  // If none has the figure, the first one says so.
  return (variants.length > 0 ? variants : [""]).flatMap((variant) => {
    const chosen = measured.filter((sample) => (sample.variant ?? "") === variant);
    const rows = subjectsOf(experiment, chosen, has).map(({ label, style, samples }) => ({
      label,
      bar: {
        value: medianOf(samples, measure.of)!,
        p99: measure === MEASURES.latency ? medianOf(samples, p99Of) : undefined,
        style,
      },
    })).toSorted((a, b) =>
      measure.lessIsBetter ? a.bar.value - b.bar.value : b.bar.value - a.bar.value
    );
    return variants.length > 1 ? [{ label: variant || "other" }, ...rows] : rows;
  });
}

function barSeries(rows: readonly Row[], end: number): CustomSeriesOption {
  return {
    type: "custom",
    data: rows.map(({ bar }, row) => [bar?.value ?? 0, row]),
    renderItem: ({ dataIndex }, api) => {
      const bar = rows[dataIndex]!.bar;
      return bar === undefined ? null : drawBar(bar, dataIndex, end, api);
    },
  };
}

function drawBar(
  { value, p99, style }: Bar,
  row: number,
  end: number,
  api: CustomSeriesRenderItemAPI,
): CustomSeriesRenderItemReturn {
  const [left, middle] = api.coord([0, row]) as [number, number];
  const at = (value: number) => (api.coord([Math.min(value, end), row]) as number[])[0]!;
  const right = at(value);
  const tip = p99 === undefined ? right : Math.max(at(p99), right);
  const stroke = { stroke: INK.axis, lineWidth: 1.5 };
  const cap = (p99 ?? 0) > end
    ? { points: [[tip - 6, middle - 5], [tip, middle], [tip - 6, middle + 5]] }
    : { points: [[tip, middle - 5], [tip, middle + 5]] };
  const whisker = [
    { type: "line" as const, shape: { x1: right, y1: middle, x2: tip, y2: middle }, style: stroke },
    { type: "polyline" as const, shape: cap, style: { ...stroke, fill: "none" } },
  ];
  return {
    type: "group",
    children: [
      {
        type: "rect",
        shape: { x: left, y: middle - BAR / 2, width: right - left, height: BAR },
        style: { fill: style.color },
      },
      ...(p99 === undefined ? [] : whisker),
      {
        type: "text",
        style: {
          x: tip + 8,
          y: middle,
          text: `{value|${figure(value)}}${
            p99 === undefined ? "" : `{p99|   99 %: ${figure(p99)}}`
          }`,
          verticalAlign: "middle",
          rich: {
            value: { fontSize: 12, fontWeight: "bold", fill: INK.title, ...HALO },
            p99: { fontSize: 12, fill: INK.faint, ...HALO },
          },
        },
      },
    ],
  };
}
