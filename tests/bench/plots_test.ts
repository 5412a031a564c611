import {
  assert,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { XMLValidator } from "npm:fast-xml-parser@5.12.1";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { barChart } from "../../bench/latency/plots/bar_chart.ts";
import { flameGraph, type Frame } from "../../bench/latency/plots/flame_graph.ts";
import { figure, grouped } from "../../bench/latency/plots/measures.ts";
import { percentilePlot } from "../../bench/latency/plots/percentile_plot.ts";
import { plots } from "../../bench/latency/plots/plots.ts";
import { fitScale } from "../../bench/latency/plots/scale.ts";
import { stylesOf } from "../../bench/latency/plots/subjects.ts";
import { loadPlot, sweepPlot } from "../../bench/latency/plots/sweep_plot.ts";
import { experiment, sample, SUBJECTS, syntheticRun } from "./_synthetic_run.ts";

const run = syntheticRun();
const files = plots(run);

/** Returns the texts that are seen, in the order of the file. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) =>
    text!.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&")
  );
}

/** Returns the coordinates of the path that has this colour and the most points. */
function longestPath(svg: string, color: string): [number, number][] {
  const paths = [...svg.matchAll(/<path d="([^"]*)"[^>]*stroke="([^"]*)"/g)]
    .filter(([, , stroke]) => stroke === color)
    .map(([, path]) =>
      [...path!.matchAll(/([\d.-]+) ([\d.-]+)/g)]
        .map(([, x, y]) => [Number(x), Number(y)] as [number, number])
    );
  return paths.toSorted((a, b) => b.length - a.length)[0] ?? [];
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assertLess(Math.abs(actual - expected), tolerance, `${actual} is not about ${expected}`);
}

Deno.test("plots() draws no distribution where there are variants, or only figures are known", () => {
  const variants = ["GET", "SET"].map((variant) => sample("C spin", 8, { variant }));
  const { histogram: _, ...latency } = sample("C spin", 8).latency!;
  const figures = { ...sample("C spin", 8), latency };
  const drawn = plots({
    ...run,
    experiments: [experiment("kv", variants), experiment("http", [figures])],
  });
  assertEquals([...drawn.keys()], ["kv.bars.svg", "http.bars.svg"]);
});

Deno.test("plots() draws what each experiment deserves", () => {
  assertEquals([...files.keys()], [
    "tcp-echo.bars.svg",
    "tcp-echo.percentiles.svg",
    "tcp-sizes.sweep.svg",
    "tcp-rates.load.svg",
    "tcp-connections.sweep.svg",
    "tcp-connections.load.svg",
    "kv.bars.svg",
    "kv.throughput.svg",
    "bulk.bars.svg",
  ]);
});

Deno.test("plots() gives well-formed, small files with title, effort and machine", () => {
  for (const [name, svg] of files) {
    assertEquals(XMLValidator.validate(svg), true, name);
    assertLess(svg.length, 60_000, name);
    const { title, effort } = run.experiments.find(({ id }) => id === name.split(".")[0])!;
    const [first, ...others] = texts(svg).filter((text) =>
      text.startsWith(title) || [effort, run.machine.description].includes(text)
    );
    assertStringIncludes([first, ...others].join("\n"), title);
    assert([first, ...others].includes(effort), name);
    assert([first, ...others].includes(run.machine.description), name);
  }
});

Deno.test("plots() gives the same bytes for the same run", () => {
  assertEquals(plots(syntheticRun()), files);
});

Deno.test("plots() leaves out an experiment without samples", () => {
  assertEquals(plots({ ...run, experiments: [experiment("none", [])] }).size, 0);
});

Deno.test("plots() draws one of each per variant", () => {
  const samples = ["a+", "B c"].flatMap((variant) =>
    [1, 2].map((point) => sample("C spin", 8, { variant, point }))
  );
  const names = [...plots({ ...run, experiments: [experiment("x", samples)] }).keys()];
  assertEquals(names, ["x.a.sweep.svg", "x.b-c.sweep.svg"]);
});

Deno.test("stylesOf() gives a well-known subject its colour in any company", () => {
  const all = stylesOf(Object.keys(SUBJECTS));
  for (const [name, style] of all) assertEquals(stylesOf([name, "another"]).get(name), style);
  assertEquals(new Set([...all.values()].map(({ color }) => color)).size, all.size);
  assertEquals(
    [...all].filter(([, { ours }]) => ours).map(([name]) => name).toSorted(),
    ["ours, generator", "ours, iterator"],
  );
});

Deno.test("stylesOf() tells subjects of one family apart, in any order", () => {
  const names = ["ours, generator, loopback", "ours, generator", "C", "C spin", "Bun", "Bun 2"];
  const styles = stylesOf(names);
  assertEquals(new Set([...styles.values()].map(({ color }) => color)).size, names.length);
  assertEquals(styles.get("ours, generator"), stylesOf(["ours, generator"]).get("ours, generator"));
  assertEquals(
    [...stylesOf(names.toReversed())].toSorted(),
    [...styles].toSorted(),
  );
});

Deno.test("every plot escapes names", () => {
  const name = 'ours <b> & "x" ]]> \u0007';
  const samples = [1, 10].map((point) => sample(name, 9, { point, throughput: 100 * point }));
  const of = experiment("x", samples, {
    title: name,
    parameter: { name: "connections", unit: "<" },
  });
  const svgs = [
    percentilePlot(of, { machine: name }),
    loadPlot(of),
    sweepPlot(of),
    barChart(of),
    flameGraph({ name, value: 1, children: [] }, { title: name, unit: "<" }),
  ];
  for (const svg of svgs) {
    assertEquals(XMLValidator.validate(svg), true);
    assert(texts(svg).some((text) => text.includes('ours <b> & "x" ]]>')), svg);
    assert(!svg.includes("\u0007"));
  }
});

Deno.test("percentilePlot() ends a line where fewer than ten samples are above", () => {
  const at = (count: number) => texts(percentilePlot(experiment("x", [sample("C", 9, { count })])));
  assert(!at(990).includes("99 %"));
  assert(at(1_000).includes("99 %"));
  assert(!at(1_000).includes("99.9 %"));
  const color = (name: string) => stylesOf(["C spin", "Bun"]).get(name)!.color;
  const svg = percentilePlot(
    experiment("x", [sample("C spin", 9, { count: 100 }), sample("Bun", 20, { count: 1_000 })]),
  );
  // 90 % and 99 % are one and two decades from the left.
  const [short, long] = ["C spin", "Bun"].map((name) => longestPath(svg, color(name)));
  const width = (path: [number, number][]) => path.at(-1)![0] - path[0]![0];
  assertNear(width(long!) / width(short!), 2, 0.02);
});

Deno.test("percentilePlot() sums the steady rounds and leaves out the others", () => {
  const steady = [0, 1].map((round) => sample("C", 9, { round, seed: round, count: 500 }));
  const moved = sample("C", 90, { round: 2, steady: false, count: 500 });
  const svg = percentilePlot(experiment("x", [...steady, moved]));
  assertEquals(svg, percentilePlot(experiment("x", steady)));
  assert(texts(svg).includes("99 %"));
});

Deno.test("a subject without steady rounds is drawn from all, and marked", () => {
  const samples = [sample("C", 9), sample("Bun", 30, { steady: false })];
  for (
    const svg of [barChart(experiment("x", samples)), percentilePlot(experiment("x", samples))]
  ) {
    assert(texts(svg).includes("C"));
    assert(texts(svg).includes("Bun (unsteady)"));
  }
});

Deno.test("a plot of very few samples shows the median", () => {
  const svg = percentilePlot(experiment("x", [sample("C", 9, { count: 3 })]));
  assert(texts(svg).includes("50 %"));
  assert(!texts(svg).includes("90 %"));
});

Deno.test("plots throw where there is nothing to plot", () => {
  const rateOnly = experiment("x", [{ subject: "C", round: 0, steady: true, throughput: 5 }]);
  const empty = experiment("x", []);
  for (const draw of [percentilePlot, loadPlot, sweepPlot, barChart]) {
    assertThrows(() => draw(empty), BenchmarkError, "Cannot plot x");
  }
  for (const draw of [percentilePlot, loadPlot, sweepPlot]) {
    assertThrows(() => draw(rateOnly), BenchmarkError, "Cannot plot x");
  }
  assertThrows(() => barChart(rateOnly, { measure: "bandwidth" }), BenchmarkError, "Cannot plot x");
});

Deno.test("barChart() puts the best on top, with its figures", () => {
  const order = (svg: string) => texts(svg).filter((text) => text in SUBJECTS);
  const best = Object.keys(SUBJECTS);
  assertEquals(order(files.get("tcp-echo.bars.svg")!), best);
  // More is better of a bandwidth, and here the fast ones have more.
  assertEquals(order(files.get("bulk.bars.svg")!), best);
  assert(texts(files.get("bulk.bars.svg")!).includes("2.72"));
  const svg = barChart(experiment("x", [sample("Bun", 20), sample("C", 9)]));
  assertEquals(texts(svg).filter((text) => /^(C|Bun)$/.test(text)), ["C", "Bun"]);
  assert(texts(svg).some((text) => text.trim().startsWith("99 %: ")));
});

Deno.test("barChart() does not stretch its axis for a p99 far out", () => {
  const far = sample("C", 9);
  const latency = { ...far.latency!, p50: 9_000, p99: 5_000_000 };
  const shown = texts(barChart(experiment("x", [{ ...far, latency }])));
  assert(shown.some((text) => text.includes("99 %: 5\u202f000")));
  assertEquals(shown.filter((text) => /^\d+$/.test(text)), [
    "0",
    "5",
    "10",
    "15",
    "20",
    "25",
    "30",
  ]);
});

Deno.test("sweepPlot() stands points a decade apart evenly, and none where zero is one", () => {
  const of = (points: number[]) =>
    experiment("x", points.map((point) => sample("Bun", 10 + Math.sqrt(point), { point })), {
      parameter: { name: "connections", unit: "" },
    });
  const color = stylesOf(["Bun"]).get("Bun")!.color;
  const columns = (points: number[]) => {
    const xs = longestPath(sweepPlot(of(points)), color).map(([x]) => x);
    return xs.slice(1).map((x, index) => x - xs[index]!);
  };
  const [first, second] = columns([1, 10, 1000]);
  assertNear(second! / first!, 2, 0.01);
  const [zero, one] = columns([0, 10, 1000]);
  assertNear(zero! / one!, 1, 0.01);
});

Deno.test("sweepPlot() shows the bandwidth where no latency was measured", () => {
  const samples = [64, 4096].map((point) => ({
    subject: "C",
    round: 0,
    steady: true,
    point,
    bandwidth: point * 1e6,
  }));
  assert(texts(sweepPlot(experiment("x", samples))).includes("bandwidth one way, GB/s"));
});

Deno.test("loadPlot() draws a solid and a dashed line over the throughput achieved", () => {
  const samples = [1e4, 2e4, 4e4].map((point) =>
    sample("Bun", 10 + point / 1e3, { point, throughput: Math.min(point, 3e4) })
  );
  const parameter = { name: "rate", unit: "requests/s" };
  const svg = loadPlot(experiment("x", samples, { parameter }));
  const { color } = stylesOf(["Bun"]).get("Bun")!;
  const xs = longestPath(svg, color).map(([x]) => x);
  assertNear((xs[2]! - xs[1]!) / (xs[1]! - xs[0]!), 1, 0.01);
  const dashed = svg.split("\n").filter((line) =>
    line.includes(color) && line.includes("stroke-dasharray")
  );
  assertEquals(dashed.length, 1);
  assert(
    texts(svg).some((text) => text.includes("marks: rate 10\u202f000 to 40\u202f000 requests/s")),
  );
});

Deno.test("fitScale() is linear from zero, and logarithmic over a wide range", () => {
  assertEquals(fitScale([8, 9, 26]).ticks, [0, 5, 10, 15, 20, 25, 30]);
  assertEquals(fitScale([0.3]).ticks, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]);
  assertEquals(fitScale([8, 130]).ticks, [5, 10, 20, 50, 100, 200]);
  assertEquals(fitScale([8, 1e6]).ticks, [10, 100, 1_000, 10_000, 100_000, 1e6]);
  assertEquals(fitScale([]).from, 0);
});

Deno.test("figures have three digits, and their thousands apart", () => {
  const figures = [0, 0.0421, 8.4, 12.35, 999.7, 12_345.6].map(figure);
  assertEquals(figures, ["0", "0.0421", "8.40", "12.3", "1\u202f000", "12\u202f346"]);
  assertEquals([1234.5, 123, 1e6].map((value) => grouped(value)), [
    "1\u202f234.5",
    "123",
    "1\u202f000\u202f000",
  ]);
});

Deno.test("flameGraph() writes names that fit, and tells all in tooltips", () => {
  const leaf = (name: string, value: number, children: Frame[] = []) => ({ name, value, children });
  const root = leaf("request", 1_000, [
    leaf("device", 600, [leaf("a name that has no room in it", 60)]),
    leaf("handler", 300),
  ]);
  const svg = flameGraph(root, { title: "An echo", unit: "ns" });
  assertEquals(XMLValidator.validate(svg), true);
  const shown = texts(svg);
  assert(shown.includes("device 60.0 %"));
  assert(shown.some((text) => /^a n.*…$/.test(text)), shown.join());
  assertStringIncludes(svg, "<title>a name that has no room in it: 60.0 ns, 6.00 %</title>");
  assertEquals([...svg.matchAll(/<title>/g)].length, 1 + 4);
  assertEquals(flameGraph(root, { title: "An echo", unit: "ns" }), svg);
});

Deno.test("flameGraph() leaves out the smallest of too many, and says so", () => {
  const children = Array.from(
    { length: 1_000 },
    (_, index) => ({ name: `a long name of function ${index}`, value: 1, children: [] }),
  );
  const svg = flameGraph({ name: "all", value: 1_000, children }, { title: "Many", unit: "ns" });
  assertLess(svg.length, 60_000);
  assert(texts(svg).some((text) => text.includes("the 821 smallest frames are left out")));
});

Deno.test("flameGraph() throws where nothing was spent", () => {
  const root = { name: "all", value: 0, children: [] };
  const draw = () => flameGraph(root, { title: "None", unit: "ns" });
  assertThrows(draw, BenchmarkError, "Cannot draw the flame graph of all");
});

Deno.test("plots of one subject, and of one that is well over the others, keep to their card", () => {
  const slow = [sample("C", 9), sample("a subject with a name that is far too long", 9e5)];
  for (const svg of [percentilePlot(experiment("x", slow)), barChart(experiment("x", slow))]) {
    assert(texts(svg).some((text) => text.startsWith("a subject with") && text.endsWith("…")));
  }
  const alone = percentilePlot(experiment("x", [sample("C", 9)]));
  assertNotEquals(longestPath(alone, stylesOf(["C"]).get("C")!.color).length, 0);
});
