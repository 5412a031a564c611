import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { Histogram } from "../../bench/_harness/histogram.ts";

const QUANTILES = [0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1];
const MINUTE = 60e9;

/** Asserts that a figure is right to three significant digits. */
function assertNear(actual: number, expected: number): void {
  assertLessOrEqual(Math.abs(actual / expected - 1), 0.001, `${actual} for ${expected}`);
}

/** Times from a microsecond to half a minute, as many in each decade. */
function times(count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.round(1e3 * 3e7 ** (index / count)));
}

Deno.test("Histogram has quantiles right to 0.1 % over seven decades", () => {
  const sorted = times(5_000);
  const histogram = Histogram.of(sorted.toReversed());
  for (const q of QUANTILES) {
    assertNear(histogram.quantile(q), sorted[Math.ceil(q * sorted.length) - 1]!);
  }
});

Deno.test("Histogram.figures() has what reports show", () => {
  const { count, mean, min, p50, p90, p99, p999, max } = Histogram.of(
    Array.from({ length: 1_000 }, (_, index) => 10_000 + 10 * index),
  ).figures();
  assertEquals(count, 1_000);
  const expected = [14_995, 10_000, 14_990, 18_990, 19_890, 19_980, 19_990];
  for (const [index, figure] of [mean, min, p50, p90, p99, p999, max].entries()) {
    assertNear(figure, expected[index]!);
  }
});

Deno.test("Histogram.decode() reads what encode() wrote", () => {
  const histogram = Histogram.of(times(1_000));
  const copy = Histogram.decode(histogram.encode());
  assertEquals(copy.count, histogram.count);
  for (const q of QUANTILES) assertEquals(copy.quantile(q), histogram.quantile(q));
});

Deno.test("Histogram.figures() keeps the whole distribution", () => {
  const figures = Histogram.of([100, 200, 200, 70_000]).figures();
  const { max, ...rest } = Histogram.decode(figures.histogram!).figures();
  assertNear(max, figures.max);
  assertEquals({ ...rest, max: figures.max }, figures);
});

Deno.test("Histogram.sum() is the distribution of all times together", () => {
  const list = times(999);
  const thirds = [0, 1, 2].map((third) => list.filter((_, index) => index % 3 === third));
  const sum = Histogram.sum(thirds.map((third) => Histogram.of(third)));
  assertEquals(sum.figures(), Histogram.of(list).figures());
  assertEquals(Histogram.sum([]).count, 0);
});

Deno.test("Histogram.sum() adds histograms that were decoded, and leaves them as they were", () => {
  const one = Histogram.decode(Histogram.of([1_000]).encode());
  const other = Histogram.of([2_000, 3_000]);
  assertEquals(Histogram.sum([one, other]).count, 3);
  assertEquals([one.count, other.count], [1, 2]);
});

Deno.test("Histogram records what takes longer than a minute as a minute", () => {
  const histogram = Histogram.of([1_000, MINUTE, 5 * MINUTE]);
  assertEquals(histogram.count, 3);
  assertNear(histogram.quantile(1), MINUTE);
});

Deno.test("Histogram takes fractions of nanoseconds, and times of none", () => {
  const histogram = Histogram.of([0, 1.6, 2.4]);
  assertEquals([histogram.quantile(0.1), histogram.quantile(1)], [0, 2]);
});

Deno.test("Histogram without times counts none, and survives encode()", () => {
  assertEquals(Histogram.of().count, 0);
  assertEquals(Histogram.decode(Histogram.of([]).encode()).count, 0);
  assert(Histogram.of().encode().length > 0);
});
