/**
 * Scales of axes with ticks at round numbers. ECharts has a logarithmic axis too, but with ticks at powers
 * only, which is one or two for latencies within a decade; here they stand at 1, 2 and 5.
 *
 * @module
 */
import type { EChartsOption } from "npm:echarts@6.1.0";
import { INK } from "./render.ts";

/** From values to places on an axis. */
export interface Scale {
  /** The place where it begins. */
  readonly from: number;
  /** The place where it ends. */
  readonly to: number;
  /** The values that are written at the axis. */
  readonly ticks: readonly number[];
  /** Returns the place of a value, for ECharts' linear axis. */
  at(value: number): number;
}

/** Beyond this quotient of the extremes a linear scale would press the small ones together. */
const LINEAR_UP_TO = 8;
const MANTISSAS = [1, 2, 5];

/** Returns a linear scale from zero, or a logarithmic one where the range asks for it. */
export function fitScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const max = Math.max(...positive);
  const min = Math.min(...positive);
  return positive.length > 0 && max > LINEAR_UP_TO * min
    ? logarithmic(min, max)
    : linear(positive.length > 0 ? max : 1);
}

/** Returns a scale from zero to a round number not below `max`. */
export function linear(max: number): Scale {
  const power = 10 ** Math.floor(Math.log10(max / 4));
  const step = [1, 2, 2.5, 5, 10].map((mantissa) => mantissa * power)
    .find((step) => max / step <= 6)!;
  const count = Math.ceil(max / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, index) => round(index * step));
  return { from: 0, to: ticks.at(-1)!, ticks, at: (value) => value };
}

/** Returns a logarithmic scale over round numbers that hold `min` and `max` between them. */
export function logarithmic(min: number, max: number): Scale {
  const first = Math.floor(Math.log10(min));
  const last = Math.ceil(Math.log10(max));
  const all: number[] = [];
  for (let power = first; power <= last; power++) {
    all.push(...MANTISSAS.map((mantissa) => round(mantissa * 10 ** power)));
  }
  const low = all.findLast((tick) => tick <= min) ?? all[0]!;
  const high = all.find((tick) => tick >= max)!;
  const within = all.filter((tick) => tick >= low && tick <= high);
  // Over many decades only the powers of ten have room.
  const powers = within.filter((tick) => Number.isInteger(round(Math.log10(tick))));
  return {
    from: Math.log10(low),
    to: Math.log10(high),
    ticks: within.length > 12 ? powers : within,
    at: (value) => Math.log10(value),
  };
}

/** Returns the options of an axis to the right that shows `scale`, with its name below it. */
export function namedAxis(scale: Scale, name: string, label: (tick: number) => string): ValueAxis {
  return {
    ...axisOf(scale, label),
    name,
    nameLocation: "middle",
    nameGap: 30,
    nameTextStyle: { color: INK.text, fontSize: 13 },
  };
}

/** Returns the options of an axis that shows `scale`, with `label` for each tick. */
export function axisOf(scale: Scale, label: (tick: number) => string): ValueAxis {
  const places = scale.ticks.map((tick) => scale.at(tick));
  return {
    type: "value",
    min: scale.from,
    max: scale.to,
    axisLine: { show: true, onZero: false, lineStyle: { color: INK.axis } },
    axisTick: { show: true, customValues: places, lineStyle: { color: INK.axis } },
    axisLabel: {
      customValues: places,
      // ECharts may round the places, so the nearest tick is meant.
      formatter: (place: number) => label(nearest(scale, place)),
      color: INK.text,
      fontSize: 12,
    },
    splitLine: { show: true, lineStyle: { color: INK.grid } },
  };
}

/** The options of a value axis, horizontal or vertical. */
export type ValueAxis =
  & Extract<Exclude<EChartsOption["xAxis"], readonly unknown[] | undefined>, { type?: "value" }>
  & Extract<Exclude<EChartsOption["yAxis"], readonly unknown[] | undefined>, { type?: "value" }>;

function nearest(scale: Scale, place: number): number {
  const distance = (tick: number) => Math.abs(scale.at(tick) - place);
  return scale.ticks.reduce((best, tick) => distance(tick) < distance(best) ? tick : best);
}

/** Takes off what binary fractions add: 0.30000000000000004. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}
