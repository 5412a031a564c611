/**
 * Makes `docs/benchmarks.md`, and the plots beside it: runs everything that it shows, one program after the other,
 * and writes down what they say. What `--results` holds already is not measured again.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { run } from "./_harness/children.ts";
import { BenchmarkError, runProgram } from "./_harness/command_line.ts";
import { benchSection, textSection } from "./latency/document/sections.ts";
import { document } from "./latency/document/document.ts";
import { compare, type Comparison, readRun, showComparisons } from "./latency/compare.ts";
import { plots } from "./latency/plots/plots.ts";
import type { Run } from "./latency/schema.ts";
import { WORKLOADS } from "./latency/workloads/mod.ts";

const DOCS = new URL("../docs/", import.meta.url);
const TEXTS = new URL("./latency/document/", import.meta.url);

const program = {
  name: "benchmarks.ts",
  summary:
    "Measures everything that docs/benchmarks.md shows, in about an hour and a half, and writes it.",
  options: {
    plan: {
      default: "full",
      choices: ["quick", "full"],
      description: "The plan of the latency harness",
    },
    results: {
      default: "bench-results",
      form: "DIR",
      description: "Where what was measured is kept",
    },
  },
} as const;

/** The workload that is measured once more, to show how far two runs differ. */
const TWICE = "tcp-echo";
/** What is measured on each other wire, by the names of `--libos`. */
const WIRES: Readonly<Record<string, readonly string[]>> = {
  "catpowder/tap": ["tcp-echo"],
  "catpowder": ["tcp-echo"],
  "catpowder/both": ["tcp-echo"],
  "catpowder/xdp": ["tcp-echo", "kv"],
  "catpowder/xdp-both": ["tcp-echo", "http"],
  "catnip": ["tcp-echo", "udp-echo", "http"],
  "catmint": ["tcp-echo"],
};
/** The profiles, whose text is shown as it is. */
const PROFILES = ([
  ["generator", "TCP echo, generator", "--handler generator"],
  ["iterator", "TCP echo, async iterator", "--handler iterator"],
  ["kv", "key-value store, 16 under way", "--workload kv --pipeline 16"],
] as const).map(([id, what, flags]) => ({
  name: `profile-${id}`,
  title: `Where a request's time goes: ${what}`,
  args: `bench/profile.ts --seconds 5 ${flags}`.split(" "),
}));

await runProgram(program, async ({ plan, results }) => {
  Deno.chdir(new URL("..", import.meta.url));
  await Deno.mkdir(results, { recursive: true });
  const latency = (id: string) => ["bench/latency.ts", "--plan", plan, "--workload", id];
  const measureLatency = async (id: string, file: string, ...args: string[]): Promise<Run> => {
    await measure(file, ["run", "-A", ...latency(id), ...args, "--json"]);
    return await readRun(file);
  };
  const runs: Run[] = [];
  // One at once after the other, so that the machine is as much the same as can be.
  let twice: readonly Comparison[] = [];
  for (const { id } of WORKLOADS) {
    const first = await measureLatency(id, `${results}/${id}.json`);
    runs.push(first);
    if (id === TWICE) {
      twice = compare(first, await measureLatency(id, `${results}/${id}-again.json`));
    }
  }
  const pictures = new Map(runs.flatMap((run) => [...plots(run)]));
  for (const [libos, ids] of Object.entries(WIRES)) {
    for (const id of ids) {
      const file = `${results}/${id}-${libos.replace("/", "-")}.json`;
      const run = await measureLatency(id, file, "--libos", libos);
      const experiments = run.experiments.map((one) => ({
        ...one,
        id: `${id}, ${libos}`,
        title: `${one.title}: ${libos}`,
      }));
      runs.push({ ...run, experiments });
    }
  }
  const costs = `${results}/deno-bench.json`;
  await measure(costs, ["bench", "-A", "--unstable-net", "--json"]);
  const profiles: string[] = [];
  for (const { name, title, args } of PROFILES) {
    const [out, file] = [`${results}/${name}`, `${results}/${name}.txt`];
    await measure(file, ["run", "-A", ...args, "--out", out]);
    pictures.set(`${name}.svg`, await Deno.readTextFile(`${out}/flame.svg`));
    const [command, text] = [`deno run -A ${args.join(" ")}`, await Deno.readTextFile(file)];
    profiles.push(textSection(title, command, text, `benchmarks/${name}.svg`));
  }

  const folder = new URL("benchmarks/", DOCS);
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, svg] of pictures) await Deno.writeTextFile(new URL(name, folder), svg);
  const sections = [
    textSection(
      "The same run twice",
      `deno run -A ${latency(TWICE).join(" ")} --baseline FILE`,
      showComparisons(twice),
    ),
    benchSection(JSON.parse(await Deno.readTextFile(costs))),
    ...profiles,
  ];
  const text = document({
    runs,
    plots: [...pictures.keys()],
    method: await Deno.readTextFile(new URL("method.md", TEXTS)),
    findings: await Deno.readTextFile(new URL("findings.md", TEXTS)),
    sections,
  });
  const page = new URL("benchmarks.md", DOCS);
  await Deno.writeTextFile(page, text);
  await run([Deno.execPath(), "fmt", "-q", page.pathname]);
  console.log(`Wrote ${page.pathname} and ${pictures.size} plots`);
});

/** Runs a program and keeps what it prints, unless that is there already. */
async function measure(file: string, args: readonly string[]): Promise<void> {
  const command = `deno ${args.join(" ")}`;
  if (existsSync(file)) {
    console.error(`${file} is there already: ${command} is not run again`);
    return;
  }
  console.error(`${new Date().toISOString()} ${command}`);
  const { code, stdout, stderr } = await run([Deno.execPath(), ...args]);
  if (code !== 0) throw new BenchmarkError(`Cannot measure by ${command}: ${stderr}`);
  await Deno.writeTextFile(file, stdout);
}
