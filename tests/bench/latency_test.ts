/**
 * The latency harness from end to end: its command line, its results, and what becomes of a run in which a
 * server does wrong.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BenchmarkError } from "../../bench/_harness/command_line.ts";
import { Histogram } from "../../bench/_harness/histogram.ts";
import { LOOPBACK } from "../../bench/_harness/route.ts";
import { Server, type ServerCommand } from "../../bench/_harness/server.ts";
import { compare, readRun } from "../../bench/latency/compare.ts";
import { experiment } from "../../bench/latency/experiment.ts";
import { measureLoad } from "../../bench/latency/measurement.ts";
import { type Reach, reach } from "../../bench/latency/reach.ts";
import { type Run, SCHEMA } from "../../bench/latency/schema.ts";
import { type Subject, Subjects, subjects } from "../../bench/latency/subjects.ts";
import type { Workload } from "../../bench/latency/workload.ts";
import { alongside } from "../../bench/latency/workloads/alongside.ts";
import { awaits } from "../../bench/latency/workloads/awaits.ts";
import { rates } from "../../bench/latency/workloads/open_loop.ts";
import { setUp } from "../../bench/latency/workloads/set_up.ts";
import { tcpEcho } from "../../bench/latency/workloads/echo.ts";
import { WORKLOADS } from "../../bench/latency/workloads/mod.ts";
import { needing } from "../_needs.ts";
import { syntheticRun } from "./_synthetic_run.ts";
import { fakeTcp } from "./_fake_servers.ts";
import { machine, missing, test } from "./_load.ts";

const PROGRAM = new URL("../../bench/latency.ts", import.meta.url).pathname;
/** Enough for a server to be found wrong, or to die. */
const EFFORT = { rounds: 1, sweepRounds: 1, fresh: 1, operations: 500, milliseconds: 50 };

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function latency(args: readonly string[], env = {}): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A folder that is gone when the test is. */
function temporaryFolder(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ prefix: "demikernel-test-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

Deno.test({
  ...needing(missing, "latency.ts refuses what it cannot do in one line, before it measures"),
  async fn(t) {
    using folder = temporaryFolder();
    const file = (name: string, text: string) => {
      Deno.writeTextFileSync(`${folder.path}/${name}`, text);
      return `${folder.path}/${name}`;
    };
    const cases: [args: string[], message: RegExp][] = [
      [["--workload", "nope"], /"nope": there is no such workload, there is tcp-echo, udp-echo/],
      [["--workload", "tcp-echo,nope"], /"nope": there is no such workload/],
      [["--subjects", "nope"], /"nope": there is no such subject, there is c-spin/],
      [["--idle", "spin,nope"], /"nope": there is no such idle policy, there is spin/],
      [["--parts", "nope"], /parts "nope": there is none/],
      [["--libos", "nope"], /"nope": there is no such libOS, there is catnap/],
      [["--plan", "nope"], /takes quick or full, not "nope"/],
      [["--rounds", "some"], /takes a whole number from 0, not "some"/],
      [["--nope"], /Unknown option '--nope'/],
      [["--workload", "kv", "--subjects", "c-spin"], /none of those in --subjects speaks/],
      [["--workload", "connections", "--subjects", "c-spin"], /C spin \(connections\): .* at once/],
      [["--out", file("taken", "")], /Cannot write results to .*taken: .*choose another --out/],
      [["--out", `${file("taken", "")}/below`], /Cannot write results to .*below/],
      [["--baseline", `${folder.path}/absent`], /Cannot read results from .*absent: No such file/],
      [
        ["--baseline", file("text", "no\nJSON\n")],
        /Cannot read results from .*: they are not JSON/,
      ],
      [
        ["--baseline", file("other", '{"schema":"x/1"}')],
        /their format is "x\/1", not "demikernel/,
      ],
    ];
    for (const [args, message] of cases) {
      await t.step(args.join(" ").replace(folder.path, "DIR"), async () => {
        const { code, stdout, stderr } = await latency(args);
        assertEquals([code, stdout], [1, ""]);
        assertMatch(stderr, /^error: .*\n$/);
        assertMatch(stderr, message);
      });
    }
  },
});

test("latency.ts measures, prints JSON of its schema, and writes results and plots", async () => {
  using folder = temporaryFolder();
  const out = `${folder.path}/new/folder`;
  const subjects = "c-spin,ours-generator";
  const args = ["--workload", "tcp-echo", "--subjects", subjects, "--rounds", "1", "--json"];
  const { code, stdout, stderr } = await latency([...args, "--out", out]);
  assertEquals(code, 0, stderr);
  const run: Run = JSON.parse(stdout);
  assertEquals([run.schema, run.plan], [SCHEMA, "quick"]);
  assertStringIncludes(run.command, `--workload tcp-echo --subjects ${subjects}`);
  assertEquals(new Date(run.date).toISOString(), run.date);
  assertEquals(run.machine.versions.deno, Deno.version.deno);
  assertEquals(run.experiments.map(({ id }) => id), ["tcp-echo"]);
  const { samples, skipped, calibration } = run.experiments[0]!;
  assertEquals(skipped, []);
  assertEquals([...new Set(samples.map(({ subject }) => subject))], ["C spin", "ours, generator"]);
  // Before the first turn and after each; and more if the host moved the cores.
  assertGreater(calibration.length, samples.length);
  for (const { latency, throughput } of samples) {
    assertEquals(latency!.count, 4_000);
    assertEquals(Histogram.decode(latency!.histogram!).quantile(0.5), latency!.p50);
    assertGreater(throughput!, 0);
  }
  const files = [...Deno.readDirSync(out)].map(({ name }) => name).toSorted();
  assertEquals(files, ["results.json", "tcp-echo.bars.svg", "tcp-echo.percentiles.svg"]);
  const kept = await readRun(`${out}/results.json`);
  assertEquals(kept, run);
  const changes = compare(kept, run).flatMap(({ changes }) => changes);
  assertEquals(changes.every(({ before, after }) => before === after), true);
});

for (
  const [what, body, message] of [
    ["an echo comes back wrong", "if (total > 6400) data[0]++", "Replies of node came back wrong"],
    ["a peer dies", "if (total > 6400) Deno.exit(7)", "Server node died while measured"],
  ] as const
) {
  test(`latency.ts ends with 1 when ${what}, and prints no results`, async () => {
    using folder = temporaryFolder();
    // The first node on PATH is the peer.
    const node = `${folder.path}/node`;
    const argv = fakeTcp(body).argv.map((arg) => `'${arg}'`);
    Deno.writeTextFileSync(node, `#!/bin/sh\nexec ${argv.join(" ")}\n`, { mode: 0o755 });
    const env = { PATH: `${folder.path}:${Deno.env.get("PATH")}` };
    const args = ["--workload", "tcp-echo", "--subjects", "node", "--rounds", "1"];
    const { code, stdout, stderr } = await latency(args, env);
    assertEquals([code, stdout], [1, ""], stderr);
    assertStringIncludes(stderr, `error: ${message}`);
  });
}

type Fake = Partial<Subject> & { readonly command: ServerCommand };

/** The servers of a test. */
function found(...list: readonly Fake[]): Subjects {
  const defaults = { id: "c-spin", name: "fake", runtime: "c", many: true } as const;
  const candidates = list.map((subject): Subject => ({ ...defaults, ...subject }));
  return new Subjects(candidates, reach(machine, "catnap") as Reach);
}

test("experiment() rejects when a server does wrong after it was warm", async () => {
  // It is warmed up over a connection of its own, and measured over the next one.
  const early = "if (total === n) globalThis.connections = (globalThis.connections ?? 0) + 1; " +
    "if (globalThis.connections > 1 && total > 64 * 100)";
  using wrong = found({ command: fakeTcp(`${early} data[0]++`) });
  await assertRejects(
    () => experiment(machine, tcpEcho, { subjects: wrong, effort: EFFORT }),
    BenchmarkError,
    "Replies of fake came back wrong",
  );
  using mortal = found({ command: fakeTcp(`${early} Deno.exit(3)`) });
  await assertRejects(
    () => experiment(machine, tcpEcho, { subjects: mortal, effort: EFFORT }),
    BenchmarkError,
    "Server fake died while measured (exit code 3)",
  );
});

test("experiment() keeps a sample of each server and round", async () => {
  using subjects = found(
    { command: fakeTcp(""), name: "C epoll spin", id: "c-epoll-spin" },
    { command: fakeTcp(""), name: "other", id: "bun" },
  );
  const { samples, effort } = await experiment(machine, setUp, {
    subjects,
    effort: { ...EFFORT, sweepRounds: 2 },
    calibrate: () => Promise.resolve({ cacheLine: 100 }),
  });
  assertEquals(samples.map(({ subject, round }) => `${round} ${subject}`), [
    ...["0 C epoll spin", "0 other"],
    ...["1 C epoll spin", "1 other"],
  ]);
  assertMatch(effort, /^2 rounds over /);
});

test("experiment() has the ratios of the workload with their targets, and compares to itself", async () => {
  using subjects = found(
    { command: fakeTcp(""), name: "C spin" },
    { command: fakeTcp(""), name: "ours", id: "ours-generator", libos: "catnap" },
  );
  const calibrate = () => Promise.resolve({ cacheLine: 100, loopback: 7_700 });
  const made = await experiment(machine, tcpEcho, { subjects, effort: EFFORT, calibrate });
  assertEquals(made.ratios.map(({ label, atMost, rounds }) => [label, atMost, rounds]), [
    ["ours / C spin, p50", 1.05, 1],
    ["ours / C spin, p99", 1.25, 1],
  ]);
  const run = { ...syntheticRun(), experiments: [made] };
  assertEquals(compare(run, run)[0]!.changes.map(({ rounds }) => rounds), [[1, 1], [1, 1]]);
});

test("experiment() says what became of turns in which the machine did not stand still", async () => {
  using subjects = found(
    { command: fakeTcp(""), name: "calm" },
    { command: fakeTcp(""), name: "unlucky", id: "bun" },
  );
  // It moves in each turn of the second server, and comes back.
  const [near, far] = [100, 500];
  const lines = [near, near, far, near, far, near, near, far, near, far];
  const { samples, notes, effort } = await experiment(machine, setUp, {
    subjects,
    effort: { ...EFFORT, sweepRounds: 1 },
    calibrate: () => Promise.resolve({ cacheLine: lines.shift()! }),
  });
  assertEquals(lines, []);
  assertEquals(samples.map(({ subject, round, steady }) => `${round} ${subject} ${steady}`), [
    ...["0 calm true", "0 unlucky false", "1 calm true", "1 unlucky false"],
  ]);
  assertMatch(effort, /^up to 2 rounds over /);
  assertEquals(notes.slice(0, 3), [
    "Turns taken again, since the calibration had moved: 2",
    "In 2 of 4 turns the calibration moved, or was of another phase; these were dropped",
    "unlucky: no turn counts, run it again",
  ]);
});

Deno.test("experiment() leaves out who cannot take part, and starts nobody then", async () => {
  const command = { name: "never started", argv: ["/nonexistent"] };
  const elsewhere = { ...command, route: { ...LOOPBACK, client: { libos: "catnap" } } } as const;
  const remote = { ...command, route: { ...LOOPBACK, hostname: "10.0.0.1" } };
  const reasons = async (workload: string, subject: Fake) => {
    using subjects = found(subject);
    const chosen = WORKLOADS.find(({ id }) => id === workload)!;
    const result = await experiment(machine, chosen, { subjects, effort: EFFORT });
    assertEquals([result.samples, result.ratios, result.calibration], [[], [], []]);
    assertEquals(result.effort, "nobody could take part");
    return result.skipped.map(({ subject, reason }) => `${subject}: ${reason}`).join();
  };
  assertMatch(await reasons("open-loop", { command, many: false }), /^fake: .* at once$/);
  assertMatch(await reasons("stream", { command: elsewhere }), /not on catnap$/);
  assertMatch(await reasons("set-up", { command: elsewhere }), /not on catnap$/);
  assertMatch(await reasons("idle", { command: remote }), /loopback alone$/);
  assertMatch(await reasons("agreement", { command: remote }), /loopback alone$/);
});

/** What a workload brings on real servers, in short. */
async function tried(workload: Workload, parts: readonly string[]) {
  using found = await subjects(machine, workload.protocol, {
    libos: ["catnap"],
    idle: workload.idle,
    only: workload.subjects,
    fetch: false,
  });
  const chosen = workload.parts.filter(({ name }) => parts.includes(name));
  return await experiment(machine, { ...workload, parts: chosen }, {
    subjects: found,
    effort: EFFORT,
    calibrate: () => Promise.resolve({ cacheLine: 100 }),
  });
}

test("awaits measures each thing that is awaited, on ours and on Deno.listen", async () => {
  const parts = ["nothing, 1 connection", "60 × null, 16 connections", "readFile, 1 connection"];
  const { samples, ratios } = await tried(awaits, parts);
  const names = ["Deno.listen", "ours, generator", "ours, iterator"];
  assertEquals(
    samples.map(({ variant, subject }) => `${variant}: ${subject}`),
    parts.flatMap((part) => names.map((name) => `${part}: ${name}`)),
  );
  assert(samples.every(({ latency }) => latency!.count > 0));
  assertEquals(ratios.length, parts.length * 2 * 3);
  assertEquals(ratios.map(({ atMost }) => atMost).slice(0, 3), [0.6, 1, 1]);
});

test("alongside measures Deno's own work beside none, an idle and a busy libOS", async () => {
  const parts = alongside.parts.map(({ name }) => name);
  const { samples, ratios } = await tried({ ...alongside, idle: ["adaptive"] }, parts);
  const ofBusy = samples.filter(({ subject }) => subject === "ours, busy");
  assertEquals(ofBusy.map(({ variant }) => variant), [
    "Deno.serve",
    ...parts.slice(1).flatMap((name) => [name, `echo, beside ${name}`]),
  ]);
  assertEquals(samples.length, 2 * parts.length + ofBusy.length);
  assert(samples.every(({ latency }) => latency!.count > 0));
  assertEquals(ratios.filter(({ atMost }) => atMost === 2).length, parts.length);
});

test("rates measures the processor time of each idle policy", async () => {
  const { samples, ratios } = await tried(
    { ...rates, subjects: ["deno-listen", "ours-generator"] },
    ["20000 requests/s, 1 connection"],
  );
  const ours = samples.filter(({ subject }) => subject.startsWith("ours"));
  assertEquals(ours.map(({ subject }) => subject), [
    "ours, generator, park",
    "ours, generator",
    "ours, generator, spin",
  ]);
  assert(samples.every(({ server }) => server!.cpu! > 0));
  const park = ratios.filter(({ label }) => label.includes("park"));
  assertEquals(park.map(({ atMost }) => atMost), [1.1, undefined, 1.1]);
});

Deno.test("measureLoad() has no latency where nothing was answered", async () => {
  using subjects = found({ command: fakeTcp("") });
  const [subject] = subjects.available;
  await using server = await Server.start(machine, subject!.command);
  const trial = { machine, server, subject: subject!, effort: EFFORT, round: 0 };
  const nothing = { times: new Float64Array(), operations: 0, elapsed: 1e6, bytes: 0 };
  const load = () => Promise.resolve({ ...nothing, unanswered: 5 });
  assertEquals(await measureLoad(trial, { point: 7 }, load, {}), {
    point: 7,
    throughput: 0,
    unanswered: 5,
  });
});
