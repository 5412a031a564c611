import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { compare, showComparisons } from "../../bench/latency/compare.ts";
import type { Run, Sample } from "../../bench/latency/schema.ts";
import { figureTable, showRun } from "../../bench/latency/show.ts";
import { experiment as synthetic, sample, syntheticRun } from "./_synthetic_run.ts";

/** A run of these experiments. */
function run(...experiments: Run["experiments"]): Run {
  return { ...syntheticRun(), experiments };
}

/** The cells of the lines of a text. */
const cells = (text: string) => text.split("\n").map((line) => line.split(/\s{2,}/));

Deno.test("compare() takes the ratios as they are where there are no phases", () => {
  const ratio = (label: string, median: number, width = 0.1) => {
    const [low, high] = [median - width, median + width];
    return { label, median, min: low, max: high, low, high };
  };
  const before = run(
    synthetic("idle", [], { ratios: [ratio("x / y", 2), ratio("gone / y", 1), ratio("z / y", 0)] }),
    synthetic("gone", [], { ratios: [ratio("x / y", 1)] }),
  );
  const after = run(
    synthetic("new", [], { ratios: [ratio("x / y", 1)] }),
    synthetic("idle", [sample("ours", 8)], {
      ratios: [ratio("new / y", 1), ratio("x / y", 1.5), ratio("z / y", 5, 9)],
    }),
  );
  const list = compare(before, after);
  assertEquals(list.map(({ id }) => id), ["idle"]);
  assertEquals(list[0]!.changes, [
    { label: "x / y", before: 2, after: 1.5, certain: true },
    { label: "z / y", before: 0, after: 5, certain: false },
  ]);
  assertMatch(showComparisons(compare(before, run())), /no experiment that both runs have/);
});

Deno.test("compare() compares within a phase of the machine that both runs met", () => {
  const subjects = [
    { id: "c-spin", name: "C spin" },
    { id: "ours-generator", name: "ours", libos: "catnap" },
  ];
  const [fast, slow] = [{ cacheLine: 104, loopback: 7_700 }, { cacheLine: 108, loopback: 8_600 }];
  /** Rounds in which ours takes so many times as long as C. */
  const rounds = (phase: typeof fast, ratios: readonly number[], first: number) =>
    ratios.flatMap((ratio, index) =>
      [sample("C spin", 10, { seed: 1 }), sample("ours", 10 * ratio, { seed: 1 })].map((one) => ({
        ...one,
        ...{ phase, round: first + index, steady: false },
      }))
    );
  const made = (samples: Sample[]) => run(synthetic("tcp-echo", samples, { subjects }));
  const before = made([...rounds(fast, [2, 2], 0), ...rounds(slow, [1, 1, 1], 2)]);
  const after = made([...rounds(fast, [2.2, 2.2, 2.2], 0), ...rounds(slow, [1], 3)]);
  const [comparison] = compare(before, after);
  assertEquals(comparison!.phase, fast);
  const [p50] = comparison!.changes;
  assertEquals([p50!.label, p50!.rounds], ["ours / C spin, p50", [2, 3]]);
  assert(Math.abs(p50!.after / p50!.before - 1.1) < 0.02);
  const [title, head, , first] = cells(showComparisons(compare(before, after)));
  assertMatch(
    title!.join(),
    /^tcp-echo, in one phase .* \(104 ns and 7\.70 us between the cores\)$/,
  );
  assertEquals(head, ["ratio", "before", "now", "change", "rounds"]);
  assertMatch(first!.join(), /^ours \/ C spin, p50,.*\+\d+\.\d %,2 and 3,may be chance$/);
  const elsewhere = made(rounds({ cacheLine: 490, loopback: 11_500 }, [2], 0));
  assertMatch(showComparisons(compare(before, elsewhere)), /no ratio .* none in one phase/);
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

Deno.test("showRun() has the machine, each experiment with its remarks, and the command", async (t) => {
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
  await assertSnapshot(t, text);
});
