import { assertEquals } from "@std/assert";
import { areInCommonPhase, isOnePhase, levelOf } from "../../bench/_harness/calibration.ts";
import { parseBenchmarkCsv } from "../../bench/_harness/redis_protocol.ts";
import { meetsTarget, ratioTable } from "../../bench/_harness/report.ts";
import { chooseRounds } from "../../bench/_harness/rounds.ts";
import { microseconds, table } from "../../bench/_harness/table.ts";

Deno.test("table() puts names to the left and figures to the right", () => {
  assertEquals(
    table(["name", "us"], [["a", "10.5"], ["longer", "9"]]),
    "name      us\n------  ----\na       10.5\nlonger     9",
  );
});

Deno.test("microseconds() keeps three digits", () => {
  assertEquals([950, 9_321, 24_160, 101_400].map(microseconds), ["0.95", "9.32", "24.2", "101"]);
});

Deno.test("meetsTarget() knows both directions", () => {
  const spread = { label: "x", median: 1.1, min: 1, max: 2 };
  assertEquals(meetsTarget({ ...spread, atMost: 1.1 }), true);
  assertEquals(meetsTarget({ ...spread, atLeast: 2 }), false);
  assertEquals(meetsTarget(spread), undefined);
});

Deno.test("ratioTable() shows targets only where there are any", () => {
  const ratio = { label: "a / b", median: 2, min: 1, max: 3 };
  assertEquals(ratioTable([ratio]).includes("target"), false);
  assertEquals(ratioTable([{ ...ratio, atMost: 1 }]).endsWith("<= 1  MISSED"), true);
});

Deno.test("ratioTable() shows bounds where they were determined", () => {
  const ratio = { label: "a / b", median: 2, min: 1, max: 3 };
  assertEquals(ratioTable([ratio]).includes("95 %"), false);
  const lines = ratioTable([{ ...ratio, low: 1.5, high: 2.5 }, ratio]).split("\n");
  assertEquals(lines[0]!.split(/\s{2,}/), ["ratio", "median", "95 %", "spread"]);
  assertEquals(lines[2]!.split(/\s{2,}/), ["a / b", "2.000", "1.500-2.500", "1.000-3.000"]);
  assertEquals(lines[3]!.split(/\s{2,}/), ["a / b", "2.000", "1.000-3.000"]);
});

Deno.test("isOnePhase() tells near from far, and leaves out what could not be read", () => {
  assertEquals(isOnePhase([110, 118, NaN, 125]), true);
  assertEquals(isOnePhase([110, 510]), false);
  assertEquals(isOnePhase([NaN]), true);
});

Deno.test("areInCommonPhase() finds the phase that most lists are of, and those that are of two", () => {
  const [near, far, between] = [[100, 110, 104], [490, 500], [105, 495]];
  assertEquals(areInCommonPhase([near, far, between, near]), [true, false, false, true]);
  assertEquals(areInCommonPhase([far, near, far, [48, 49]]), [true, false, true, false]);
  assertEquals(areInCommonPhase([between, between]), [false, false]);
  assertEquals(areInCommonPhase([[NaN, NaN], [NaN]]), [true, true]);
  assertEquals(areInCommonPhase([]), []);
});

Deno.test("levelOf() is the middle reading, of those that could be made", () => {
  assertEquals([levelOf([90, NaN, 110, 100]), levelOf([NaN]), levelOf([])], [100, NaN, NaN]);
});

Deno.test("chooseRounds() drops rounds in which the phase changed, unless all did", () => {
  const [steady, mixed] = [{ steady: true }, { steady: false }];
  assertEquals(chooseRounds([steady, steady]), { kept: [steady, steady], notes: [] });
  assertEquals(chooseRounds([steady, mixed]).kept, [steady]);
  assertEquals(chooseRounds([mixed, mixed]).kept.length, 2);
  assertEquals(chooseRounds([mixed, mixed]).notes.length, 1);
});

Deno.test("parseBenchmarkCsv() reads the rate of each command", () => {
  const csv = '"test","rps","avg_latency_ms"\n"SET","106837.61","0.25"\n"GET","99000.00","0.2"\n';
  assertEquals([...parseBenchmarkCsv(csv)], [["SET", 106837.61], ["GET", 99000]]);
});
