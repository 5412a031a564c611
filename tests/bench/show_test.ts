import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { changes, showChanges } from "../../bench/latency/compare.ts";
import type { Run } from "../../bench/latency/schema.ts";
import { figureTable, showRun } from "../../bench/latency/show.ts";
import { experiment as synthetic, sample, syntheticRun } from "./_synthetic_run.ts";

Deno.test("changes() has the ratios that both runs have, by experiment and label", () => {
  const ratio = (label: string, median: number) => {
    const [low, high] = [median - 0.1, median + 0.1];
    return { label, median, min: low, max: high, low, high };
  };
  const run = (...experiments: Run["experiments"]): Run => ({ ...syntheticRun(), experiments });
  const before = run(
    synthetic("a", [], { ratios: [ratio("x / y", 2), ratio("gone / y", 1)] }),
    synthetic("b", [], { ratios: [ratio("x / y", 0)] }),
  );
  const after = run(
    synthetic("b", [], { ratios: [ratio("x / y", 5)] }),
    synthetic("a", [], { ratios: [ratio("new / y", 1), ratio("x / y", 1.5)] }),
  );
  const list = changes(before, after);
  assertEquals(list, [
    { id: "b", label: "x / y", before: 0, after: 5, samePhase: true, certain: true },
    { id: "a", label: "x / y", before: 2, after: 1.5, samePhase: true, certain: true },
  ]);
  const [, , first, second] = showChanges(list).split("\n").map((line) => line.split(/\s{2,}/));
  assertEquals(first, ["b: x / y", "0.000", "5.000"]);
  assertEquals(second, ["a: x / y", "2.000", "1.500", "-25.0 %"]);
  assertMatch(showChanges(changes(before, run())), /no ratio that both runs have/);
});

Deno.test("changes() knows what may be chance, and runs of another phase, which cannot be compared", () => {
  const run = (median: number, low: number, high: number, phase?: number): Run => {
    const ratios = [{ label: "x / y", median, min: 0, max: 9, low, high }];
    const rest = phase === undefined ? { ratios } : { ratios, phase };
    return { ...syntheticRun(), experiments: [synthetic("a", [], rest)] };
  };
  const last = (before: Run, after: Run) =>
    showChanges(changes(before, after)).split("\n").at(-1)!.split(/\s{2,}/).at(-1);
  assertEquals(last(run(2, 1.9, 2.1, 100), run(2.2, 2.15, 2.3, 110)), "+10.0 %");
  assertEquals(last(run(2, 1.9, 2.1, 100), run(2.2, 1.95, 2.3, 110)), "may be chance");
  assertEquals(last(run(2, 1.9, 2.1, 100), run(3, 2.9, 3.1, 490)), "other phase: no comparison");
  assertEquals(last(run(2, 1.9, 2.1), run(3, 2.9, 3.1)), "+50.0 %");
});

Deno.test("figureTable() has the columns that have figures", () => {
  const bulk = { subject: "ours", round: 0, steady: true, bandwidth: 2.5e9 };
  assertEquals(figureTable({ samples: [bulk] }), {
    columns: ["server", "MB/s"],
    rows: [["ours", "2500"]],
  });
  const idle = { subject: "ours", round: 0, steady: true, server: { idleCpu: 0, resident: 5e7 } };
  assertEquals(figureTable({ samples: [idle] }), {
    columns: ["server", "idle CPU ms/s", "memory MB"],
    rows: [["ours", "0.0", "50.0"]],
  });
  assertEquals(figureTable({ samples: [] }), { columns: ["server"], rows: [] });
});

Deno.test("figureTable() has a row for each subject, variant and point", () => {
  const samples = ["GET", "SET"].flatMap((variant) =>
    [1, 2].flatMap((point) =>
      [0, 1].map((round) => ({
        subject: "ours",
        round,
        steady: true,
        variant,
        point,
        throughput: 1_000 * (point + round),
      }))
    )
  );
  const parameter = { name: "size", unit: "B" };
  const { columns, rows } = figureTable({ samples, parameter });
  assertEquals(columns, ["server", "what", "size (B)", "1000/s"]);
  assertEquals(rows, [
    ["ours", "GET", "1", "1.5"],
    ["ours", "GET", "2", "2.5"],
    ["ours", "SET", "1", "1.5"],
    ["ours", "SET", "2", "2.5"],
  ]);
  const bare = figureTable({ samples, parameter: { name: "connections", unit: "" } });
  assertEquals(bare.columns[2], "connections");
});

Deno.test("figureTable() is of steady rounds where there are any, in the order of the first one", () => {
  const round = (round: number, steady: boolean, throughput: number) => ({
    ...{ subject: "ours", round, steady, throughput },
  });
  const rows = (...samples: ReturnType<typeof round>[]) => figureTable({ samples }).rows;
  assertEquals(rows(round(0, true, 1e3), round(1, false, 9e3)), [["ours", "1.0"]]);
  assertEquals(rows(round(0, false, 1e3), round(1, false, 9e3)), [["ours (unsteady)", "5.0"]]);
  const turned = [0, 1, 1, 0].map((point, index) => ({
    ...round(index >> 1, index >> 1 === 1, 1e3 * (point + 1)),
    point,
  }));
  const { rows: ordered } = figureTable({
    samples: turned,
    parameter: { name: "connections", unit: "" },
  });
  assertEquals(ordered, [["ours", "0", "1.0"], ["ours", "1", "2.0"]]);
});

Deno.test("figureTable() shows the worst round of what should not happen, and nothing where it did not", () => {
  const round = (round: number, lost: number) => ({
    ...{ subject: "ours", round, steady: true, throughput: 1e3, lost },
  });
  const table = (...lost: number[]) =>
    figureTable({ samples: lost.map((count, index) => round(index, count)) });
  assertEquals(table(0, 0, 7), {
    columns: ["server", "1000/s", "lost"],
    rows: [["ours", "1.0", "7"]],
  });
  assertEquals(table(0, 0, 0).columns, ["server", "1000/s"]);
});

Deno.test("figureTable() counts the pauses of all rounds, and shows the longest", () => {
  const samples = [0, 2, 1].map((count, round) => ({
    ...{ subject: "ours", round, steady: true, throughput: 1e3 },
    pauses: { count, total: 2e6 * count, longest: 1e6 * count },
  }));
  const { columns, rows } = figureTable({ samples });
  assertEquals(columns.slice(2), ["pauses", "pause us"]);
  assertEquals(rows, [["ours", "1.0", "3", "2000"]]);
});

Deno.test("showRun() has the machine, each experiment with its remarks, and the command", () => {
  const bounds = { min: 0.8, max: 1, low: 0.85, high: 0.95 };
  const ratios = [{ label: "ours / C", median: 0.9, ...bounds, atLeast: 0.95, met: false }];
  const skipped = [{ subject: "node", reason: "not there:\n  install it." }];
  const text = showRun({
    ...syntheticRun(),
    experiments: [
      synthetic("a", [sample("ours", 8)], {
        title: "First",
        ratios,
        skipped,
        notes: ["Mind this"],
      }),
      synthetic("b", [], { title: "Second", skipped }),
    ],
  });
  const [first, second] = text.split("== Second ==");
  assertMatch(first!, /^AMD EPYC .*\ndeno 2\.9\.6\n\n== First ==\n/);
  assertMatch(first!, /\nours \/ C +0\.900 +0\.850-0\.950 +0\.800-1\.000 +>= 0\.95 +MISSED\n/);
  assertStringIncludes(first!, "\n* node was left out: not there: install it\n* Mind this\n");
  assertEquals(second!.includes("---"), false, "there is no table without samples");
  assert(text.endsWith("\n\nRepeat with: deno task latency"));
});
