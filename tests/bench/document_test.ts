import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { assertSnapshot } from "@std/testing/snapshot";
import { document, markdownTable } from "../../bench/latency/document/document.ts";
import { plots } from "../../bench/latency/plots/plots.ts";
import type { Experiment, RatioResult, Run } from "../../bench/latency/schema.ts";
import { experiment, sample, syntheticRun } from "./_synthetic_run.ts";

const SPREAD = { min: 0.5, max: 1.5, low: 0.9, high: 1.1, rounds: 9 };
const MET: RatioResult = { label: "ours / C", median: 1.04, ...SPREAD, atMost: 1.05, met: true };
const MISSED: RatioResult = {
  label: "this / that",
  median: 1.052,
  ...SPREAD,
  atLeast: 0.95,
  atMost: 1.05,
  met: false,
};
const FREE: RatioResult = { label: "ours / Bun", median: 2.5, ...SPREAD };

function made(experiments: readonly Experiment[], rest: Partial<Run> = {}): string {
  const run: Run = { ...syntheticRun(), experiments, ...rest };
  const texts = { method: "\nThe method.\n", findings: "## Found\n\nMuch.\n" };
  return document({
    runs: [run],
    plots: [...plots(run).keys()],
    ...texts,
    sections: ["## More\n"],
  });
}

/** The lines between a heading and the next one. */
function section(text: string, heading: string): string {
  const begin = text.indexOf(`## ${heading}\n`);
  assert(begin >= 0, `there is no ${heading}`);
  const end = text.indexOf("\n## ", begin);
  return text.slice(begin, end < 0 ? undefined : end);
}

Deno.test("document() has all parts, each under its heading, in order", async (t) => {
  await assertSnapshot(t, made([experiment("a", [sample("ours", 8)], { title: "First" })]));
});

Deno.test("document() lists the ratios with a target, of all experiments, and those only", async (t) => {
  const goals = section(
    made([
      experiment("a", [sample("ours", 8)], { ratios: [MET, FREE] }),
      experiment("b", [sample("ours", 8)], { ratios: [MISSED] }),
    ]),
    "The figures that count",
  );
  await assertSnapshot(t, goals);
});

Deno.test("document() shows all ratios of an experiment in its section", () => {
  const text = made([experiment("a", [sample("ours", 8)], { title: "T", ratios: [MET, FREE] })]);
  assertStringIncludes(
    section(text, "T"),
    "| ours ÷ Bun | 2.500 | 0.900–1.100 | 0.500–1.500 | 9 |  |  |",
  );
});

Deno.test("document() shows the plots of an experiment in its section, and no other's", () => {
  const text = made([
    experiment("tcp-echo", [sample("ours", 8)], { title: "Echo" }),
    experiment("tcp", [sample("ours", 8)], { title: "Other" }),
  ]);
  const pictures = (heading: string) =>
    [...section(text, heading).matchAll(/\]\((.*)\)/g)].map(([, path]) => path);
  assertEquals(pictures("Echo"), [
    "benchmarks/tcp-echo.bars.svg",
    "benchmarks/tcp-echo.percentiles.svg",
  ]);
  assertEquals(pictures("Other"), ["benchmarks/tcp.bars.svg", "benchmarks/tcp.percentiles.svg"]);
});

Deno.test("document() gives the command that repeats what was measured", () => {
  const command = "deno task latency --plan quick --workload a";
  const text = made([experiment("a", [sample("ours", 8)])], { command });
  assertStringIncludes(text, `\`${command}\``);
});

Deno.test("document() gives each remark a line that ends with one full stop", async (t) => {
  const text = made([
    experiment("a", [sample("ours", 8)], {
      title: "T",
      skipped: [{ subject: "node", reason: "not\n  there: install it." }],
      notes: ["A note"],
      calibration: [{ cacheLine: 100, loopback: 7_700 }, { cacheLine: 110 }],
    }),
  ]);
  await assertSnapshot(t, section(text, "T"));
});

Deno.test("document() says why nobody was measured, and shows no empty table", () => {
  const skipped = [{ subject: "redis-server", reason: "not installed" }];
  const kv = section(made([experiment("kv", [], { title: "KV", skipped })]), "KV");
  assertStringIncludes(kv, "- redis-server was left out: not installed.");
  assertEquals(kv.includes("|"), false);
});

Deno.test("markdownTable() escapes what would end a cell", () => {
  assertEquals(
    markdownTable(["a", "b"], [["x|y", "1"]]),
    "| a | b |\n| --- | ---: |\n| x\\|y | 1 |",
  );
});
