import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  confidence,
  mean,
  quantile,
  spread,
  trimmedMean,
} from "../../bench/_harness/statistics.ts";

Deno.test("quantile() interpolates between neighbours", () => {
  assertEquals(quantile([4, 1, 3, 2], 0), 1);
  assertEquals(quantile([4, 1, 3, 2], 0.5), 2.5);
  assertEquals(quantile([4, 1, 3, 2], 1), 4);
  assertEquals(quantile([7], 0.99), 7);
});

Deno.test("quantile() leaves its argument in order", () => {
  const values = [3, 1, 2];
  quantile(values, 0.5);
  assertEquals(values, [3, 1, 2]);
});

Deno.test("quantile() throws when there are no values", () => {
  assertThrows(() => quantile([], 0.5), RangeError, "Cannot take a quantile");
});

Deno.test("spread() returns the median and the extremes", () => {
  assertEquals(spread([10, 1, 2]), { median: 2, min: 1, max: 10 });
});

Deno.test("mean() returns the arithmetic mean", () => {
  assertEquals(mean([1, 2, 6]), 3);
});

Deno.test("confidence() of a mean is as wide as theory has it, and the same each time", () => {
  // Of 400 values of deviation 1 the mean deviates by 1/20: 95 % are within 1.96 of that.
  const values = Array.from({ length: 400 }, (_, i) => i % 2 === 0 ? 9 : 11);
  const bounds = () => confidence(400, (rounds) => mean(rounds.map((round) => values[round]!)));
  const { low, high } = bounds()!;
  assert(Math.abs(low - (10 - 1.96 / 20)) < 0.02, `${low}`);
  assert(Math.abs(high - (10 + 1.96 / 20)) < 0.02, `${high}`);
  assertEquals(bounds(), { low, high });
});

Deno.test("confidence() has no bounds of less than six rounds", () => {
  const values = [1, 2, 3, 4, 5, 6];
  const median = (rounds: readonly number[]) =>
    quantile(rounds.map((round) => values[round]!), 0.5);
  assertEquals([1, 3, 5].map((rounds) => confidence(rounds, median)), [
    undefined,
    undefined,
    undefined,
  ]);
  assert(confidence(6, median) !== undefined);
});

Deno.test("trimmedMean() leaves out a tenth at each end, once there are ten", () => {
  assertEquals(trimmedMean([1, 2, 6]), 3);
  assertEquals(trimmedMean([5, 5, 5, 5, 1_000, 5, 5, 5, 5, 0]), 5);
});
