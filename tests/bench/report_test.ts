import { assertEquals } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import type { Reading } from "../../bench/_harness/calibration.ts";
import { commonPhase, isOf, isOnePhase, levelOf } from "../../bench/_harness/phase.ts";
import { microseconds, table } from "../../bench/_harness/table.ts";
import { ratioTable } from "../../bench/latency/show.ts";

Deno.test("table() puts names to the left and figures to the right", () => {
  assertEquals(
    table(["name", "us"], [["a", "10.5"], ["longer", "9"]]),
    "name      us\n------  ----\na       10.5\nlonger     9",
  );
});

Deno.test("microseconds() keeps three digits", () => {
  assertEquals([950, 9_321, 24_160, 101_400].map(microseconds), ["0.95", "9.32", "24.2", "101"]);
});

Deno.test("ratioTable() leaves out what no ratio has", async (t) => {
  const ratio = { label: "a / b", median: 2, min: 1, max: 3 };
  await assertSnapshot(t, ratioTable([ratio]));
  const known = { ...ratio, low: 1.5, high: 2.5, rounds: 7 };
  await assertSnapshot(t, ratioTable([{ ...known, atMost: 1, met: false }, ratio]));
});

/** Readings of these lines and trips. */
const readings = (...pairs: readonly [cacheLine: number, loopback?: number][]): Reading[] =>
  pairs.map(([cacheLine, loopback]) =>
    loopback === undefined ? { cacheLine } : { cacheLine, loopback }
  );

Deno.test("isOnePhase() tells near from far, and if it is to be fine, fast from slow", () => {
  const [steady, faster, farther] = [
    readings([110, 7_700], [118, 7_750], [125, 7_690]),
    readings([104, 7_700], [104, 8_600]),
    readings([110, 7_700], [510, 7_700]),
  ];
  const coarse = [steady, faster, farther].map((list) => isOnePhase(list, "coarse"));
  assertEquals(coarse, [true, true, false]);
  const fine = [steady, faster, farther].map((list) => isOnePhase(list, "fine"));
  assertEquals(fine, [true, false, false]);
});

Deno.test("isOnePhase() leaves out what could not be read", () => {
  assertEquals(isOnePhase([{ cacheLine: 100 }, {}, { cacheLine: 110 }], "fine"), true);
  assertEquals(isOnePhase([{}], "fine"), true);
  assertEquals(isOnePhase([], "coarse"), true);
});

Deno.test("commonPhase() finds the fastest that is a twentieth of all groups, or what they have most of", () => {
  const [fast, slow, far] = readings([104, 7_700], [108, 8_600], [490, 11_500]);
  const common = (...groups: (Reading | undefined)[][]) => commonPhase(groups, "fine");
  const many = Array<Reading | undefined>(19).fill(slow);
  assertEquals(common([...many, fast]), { cacheLine: 104, loopback: 7_700 });
  assertEquals(common([...many, fast, slow]), { cacheLine: 108, loopback: 8_600 });
  assertEquals(common([fast, fast, slow, slow, slow], [fast, fast, fast, slow]), {
    cacheLine: 104,
    loopback: 7_700,
  });
  assertEquals(common([fast, fast], [far, slow]), undefined);
  assertEquals(common([undefined], [fast]), undefined);
  assertEquals(common([{}], [{}]), {});
});

Deno.test("commonPhase() is the fastest even where one between the two would have more", () => {
  const levels = [[10, 7_700], [5, 7_760], [1, 8_150], [30, 8_600]].flatMap(([times, loopback]) =>
    Array<Reading>(times!).fill({ cacheLine: 104, loopback: loopback! })
  );
  assertEquals(commonPhase([levels], "fine"), { cacheLine: 104, loopback: 7_700 });
  // A single one that is even faster does not cut the rest off.
  const outlier = { cacheLine: 104, loopback: 7_300 };
  assertEquals(commonPhase([[outlier, ...levels]], "fine")!.loopback, 7_700);
});

Deno.test("isOf() allows for a single reading to scatter", () => {
  const phase = { cacheLine: 100, loopback: 7_700 };
  const [reading] = readings([97, 7_600]);
  assertEquals([isOf(reading, phase), isOf(reading, phase, 0.05)], [false, true]);
  const [slow] = readings([97, 8_600]);
  assertEquals(isOf(slow, phase, 0.05), false);
});

Deno.test("commonPhase() does not join two phases by a round between them", () => {
  const trips = [7_700, 7_710, 7_690, 7_720, 8_170, 8_600, 8_610];
  const levels = trips.map((loopback) => ({ cacheLine: 104, loopback }));
  const phase = commonPhase([levels], "fine")!;
  const near = [true, true, true, true, false, false, false];
  assertEquals(levels.map((level) => isOf(level, phase)), near);
  assertEquals(isOf({}, phase), false);
});

Deno.test("levelOf() has the middle readings, of those that could be made", () => {
  assertEquals(
    levelOf([{ cacheLine: 90 }, {}, { cacheLine: 110, loopback: 8 }, { cacheLine: 100 }]),
    {
      cacheLine: 100,
      loopback: 8,
    },
  );
  assertEquals([levelOf([{}]), levelOf([])], [{}, {}]);
});
