/**
 * Latency distributions, over the HDR histogram of Gil Tene's project: recording is constant in time and
 * space, quantiles are right to three significant digits, and histograms of many rounds add up.
 *
 * @module
 */
import * as hdr from "npm:hdr-histogram-js@3.0.1";
import type { LatencyFigures } from "../latency/schema.ts";

/** A minute: whatever takes longer is recorded as this. */
const HIGHEST_NS = 60e9;
const SIGNIFICANT_DIGITS = 3;

/** A distribution of times in nanoseconds. */
export class Histogram {
  readonly #histogram: hdr.Histogram;

  private constructor(histogram: hdr.Histogram) {
    this.#histogram = histogram;
  }

  /** Returns the distribution of `times`, each in nanoseconds. */
  static of(times: Iterable<number> = []): Histogram {
    const histogram = hdr.build({
      bitBucketSize: 64,
      lowestDiscernibleValue: 1,
      highestTrackableValue: HIGHEST_NS,
      numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
      useWebAssembly: false,
    });
    for (const ns of times) histogram.recordValue(Math.min(Math.round(ns), HIGHEST_NS));
    return new Histogram(histogram);
  }

  /** Reads what {@linkcode Histogram.encode} wrote. */
  static decode(text: string): Histogram {
    return new Histogram(hdr.decodeFromCompressedBase64(text, 64, false));
  }

  /** Returns the sum of distributions. */
  static sum(histograms: Iterable<Histogram>): Histogram {
    const sum = Histogram.of();
    for (const histogram of histograms) sum.#histogram.add(histogram.#histogram);
    return sum;
  }

  /** How many times were recorded. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Returns the time that the share `q` of all did not exceed, in nanoseconds. */
  quantile(q: number): number {
    return this.#histogram.getValueAtPercentile(q * 100);
  }

  /** Returns the figures that reports show, and the whole distribution. */
  figures(): LatencyFigures {
    const histogram = this.#histogram;
    return {
      count: this.count,
      mean: histogram.mean,
      min: histogram.minNonZeroValue,
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      p999: this.quantile(0.999),
      max: histogram.maxValue,
      histogram: this.encode(),
    };
  }

  /** Returns the distribution in the V2 format of HDR histograms, compressed, in base64. */
  encode(): string {
    return hdr.encodeIntoCompressedBase64(this.#histogram);
  }
}
