import { assertEquals, assertThrows } from "@std/assert";
import { mean, quantile, ratios, spread } from "../../bench/_harness/statistics.ts";

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

Deno.test("ratios() divides within a round", () => {
  assertEquals(ratios([2, 9], [1, 3]), [2, 3]);
});

Deno.test("mean() returns the arithmetic mean", () => {
  assertEquals(mean([1, 2, 6]), 3);
});
