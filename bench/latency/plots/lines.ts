/**
 * What the plots of lines share: the places of axes and legend.
 *
 * @module
 */
import type { EChartsOption, LineSeriesOption } from "npm:echarts@6.1.0";
import type { Experiment } from "../schema.ts";
import { CHARACTER, cut, HEAD, INK, renderSvg, WIDTH } from "./render.ts";
import { axisOf, namedAxis, type Scale } from "./scale.ts";
import type { PlotOptions, Subject } from "./selection.ts";

const HEIGHT = 470;
/** Room for the labels of the y axis. */
const AXIS = 74;
const LONGEST_LABEL = 36;
const DASHES = [6, 4];

/** An axis: its scale, its name with the unit, and how its ticks are written. */
export interface Axis {
  /** The scale. */
  readonly scale: Scale;
  /** The name, with the unit. */
  readonly name: string;
  /** Returns what is written at a tick. */
  label(tick: number): string;
}

/** A line of a subject. */
export interface Line {
  /** Whose it is. */
  readonly subject: Subject;
  /** Values of x and y, in the order in which to draw them. */
  readonly points: readonly (readonly [number, number])[];
  /** Whether it is the second line of the subject, and dashed. @default {false} */
  readonly dashed?: boolean;
  /** Whether a point has a mark, by its x. @default all have */
  isMarked?(x: number): boolean;
}

/** What a plot of lines shows. */
export interface LinePlot {
  /** The axis to the right. */
  readonly x: Axis;
  /** The axis upwards. */
  readonly y: Axis;
  /** The lines. */
  readonly lines: readonly Line[];
  /** What solid and dashed lines mean, where there are both. */
  readonly key?: { readonly solid: string; readonly dashed: string };
}

/** Draws lines, with the legend beside them: over them it would hide what a line does at its end. */
export function renderLines(experiment: Experiment, options: PlotOptions, plot: LinePlot): string {
  const { x, y, key } = plot;
  // From high to low as the lines end, which is where the eye goes over to the legend.
  const lines = plot.lines.toSorted((a, b) => b.points.at(-1)![1] - a.points.at(-1)![1]);
  const subjects = lines.filter(({ dashed }) => !dashed).map(({ subject }) => subject);
  const keys = key === undefined ? [] : [key.solid, key.dashed];
  const labels = [...subjects.map(({ label }) => label), ...keys];
  const longest = Math.min(LONGEST_LABEL, Math.max(...labels.map((label) => label.length)));
  const legend: EChartsOption["legend"] = {
    orient: "vertical",
    left: WIDTH - (longest * CHARACTER + 62),
    top: HEAD + 20,
    itemGap: 9,
    itemWidth: 30,
    data: [
      ...subjects.map(({ label, style }) => ({
        name: label,
        textStyle: style.ours ? { fontWeight: "bold" as const } : {},
      })),
      // Lines without marks: ECharts would add one.
      ...keys.map((name) => ({ name, itemStyle: { opacity: 0 } })),
    ],
    formatter: (label: string) => cut(label, LONGEST_LABEL),
    textStyle: { fontSize: 12, color: INK.title },
  };
  const frame = {
    title: experiment.title,
    subtitle: [experiment.effort, options.machine ?? ""],
    height: HEIGHT,
  };
  return renderSvg(frame, {
    grid: {
      left: AXIS,
      right: longest * CHARACTER + 86,
      top: HEAD + 26,
      bottom: 62,
      outerBoundsMode: "none",
    },
    legend,
    xAxis: namedAxis(x.scale, x.name, x.label),
    yAxis: {
      ...axisOf(y.scale, y.label),
      name: y.name,
      nameLocation: "end",
      nameGap: 14,
      // From the left margin on, over the labels.
      nameTextStyle: { color: INK.text, fontSize: 13, align: "left", padding: [0, 0, 0, -50] },
    },
    series: [
      ...lines.map((line) => seriesOf(line, x.scale, y.scale)),
      ...keys.map((name) => keySeries(name, name === key?.dashed)),
    ],
  });
}

function seriesOf(line: Line, x: Scale, y: Scale): LineSeriesOption {
  const { subject: { label, style }, points, dashed = false, isMarked = () => true } = line;
  const round = (place: number) => Number(place.toPrecision(6));
  return {
    type: "line",
    // A dashed line has no entry in the legend, which has its subject already.
    name: dashed ? `${label}, dashed` : label,
    color: style.color,
    symbol: dashed ? hollow(style.symbol) : style.symbol,
    symbolSize: dashed ? 6 : 8,
    showAllSymbol: true,
    lineStyle: { width: style.ours ? 2.8 : 1.8, type: dashed ? DASHES : "solid" },
    z: style.ours ? 3 : 2,
    data: points.map(([at, height]) => {
      const value = [round(x.at(at)), round(y.at(height))];
      return isMarked(at) ? { value } : { value, symbol: "none" };
    }),
  };
}

/** A line without data, which explains in the legend what a kind of line means. */
function keySeries(name: string, dashed: boolean): LineSeriesOption {
  const lineStyle = { width: 1.8, type: dashed ? DASHES : "solid" as const };
  return { type: "line", name, color: INK.text, lineStyle, data: [] };
}

/** The name that ECharts has for the outline of a symbol. */
function hollow(symbol: string): string {
  return `empty${symbol[0]!.toUpperCase()}${symbol.slice(1)}`;
}
