/**
 * What plots can show of a sample.
 *
 * @module
 */
import { cpuPerOperation } from "../samples.ts";
import type { Sample } from "../schema.ts";

/** A figure of a sample, in the unit in which it is shown. */
export interface Measure {
  /** What is named on an axis, with the unit. */
  readonly name: string;
  /** Whether less is better. */
  readonly lessIsBetter: boolean;
  /** Returns the figure; absent where it was not measured. */
  of(sample: Sample): number | undefined;
}

/** The measures that a plot may show, by name. */
export type MeasureName =
  | "latency"
  | "throughput"
  | "bandwidth"
  | "cpu"
  | "resident"
  | "idleCpu";

/** All measures, the one that matters most where several were taken first. */
export const MEASURES: Readonly<Record<MeasureName, Measure>> = {
  latency: {
    name: "median latency, µs",
    lessIsBetter: true,
    of: ({ latency }) => latency && latency.count > 0 ? latency.p50 / 1e3 : undefined,
  },
  throughput: {
    name: "operations per second, thousands",
    lessIsBetter: false,
    of: ({ throughput }) => throughput === undefined ? undefined : throughput / 1e3,
  },
  bandwidth: {
    name: "bandwidth one way, GB/s",
    lessIsBetter: false,
    of: ({ bandwidth }) => bandwidth === undefined ? undefined : bandwidth / 1e9,
  },
  cpu: {
    name: "processor time of the server per request, µs",
    lessIsBetter: true,
    of: (sample) => {
      const ns = cpuPerOperation(sample);
      return ns === undefined ? undefined : ns / 1e3;
    },
  },
  resident: {
    name: "memory of the server, MB",
    lessIsBetter: true,
    of: ({ server }) => server?.resident === undefined ? undefined : server.resident / 1e6,
  },
  idleCpu: {
    name: "processor time of the idle server, ms per s",
    lessIsBetter: true,
    of: ({ server }) => server?.idleCpu,
  },
};

/** Returns the 99th percentile of a sample's latency, in microseconds. */
export function p99Of({ latency }: Sample): number | undefined {
  return latency && latency.count > 0 ? latency.p99 / 1e3 : undefined;
}

/** Returns the name of the first measure that any of `samples` has. */
export function mainMeasureOf(samples: readonly Sample[]): MeasureName | undefined {
  const names = Object.keys(MEASURES) as MeasureName[];
  return names.find((name) => samples.some((sample) => MEASURES[name].of(sample) !== undefined));
}

/** Returns a figure in three significant digits, its thousands apart. */
export function figure(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return grouped(Number(value.toFixed(Math.min(digits, 6))), Math.min(digits, 6));
}

/** Returns a number with its thousands apart, `12 500`, and as many decimals as asked for. */
export function grouped(value: number, decimals?: number): string {
  const text = decimals === undefined ? String(value) : value.toFixed(decimals);
  const [whole, fraction] = text.split(".");
  const groups = whole!.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}
