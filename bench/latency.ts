/**
 * The latency harness: ours on any libOS against everything that people would use instead, in interleaved
 * rounds. `docs/benchmarks.md` says how it measures and how to read what it prints.
 *
 * @module
 */
import { assertKnown, BenchmarkError, runProgram } from "./_harness/command_line.ts";
import { inspectMachine } from "./_harness/machine.ts";
import { compare, readRun, showComparisons } from "./latency/compare.ts";
import { experiment } from "./latency/experiment.ts";
import { plots } from "./latency/plots/plots.ts";
import { type Experiment, type Run, SCHEMA } from "./latency/schema.ts";
import { showRun } from "./latency/show.ts";
import { subjects } from "./latency/subjects.ts";
import { versions } from "./latency/versions.ts";
import type { Effort, Workload } from "./latency/workload.ts";
import { WORKLOADS } from "./latency/workloads/mod.ts";

/** What to measure, and how much of it. */
interface Plan {
  /** The workloads, by id; all if not given. */
  readonly workloads?: readonly string[];
  /** How much. */
  readonly effort: Effort;
}

/** The plans by name. */
const PLANS = {
  /** Under a minute: enough to see that all is well, and about where it stands. */
  quick: {
    workloads: ["tcp-echo", "udp-echo", "kv"],
    effort: { rounds: 4, sweepRounds: 1, fresh: 1, operations: 4_000, milliseconds: 300 },
  },
  /** What `docs/benchmarks.md` shows: about an hour. */
  full: {
    effort: {
      ...{ rounds: 80, sweepRounds: 2, fresh: 4, precision: 0.03 },
      ...{ operations: 4_000, milliseconds: 700 },
    },
  },
} as const satisfies Record<string, Plan>;

const program = {
  name: "latency.ts",
  summary: "End-to-end latency and throughput of our servers and of their peers, in turn.",
  options: {
    plan: {
      default: "quick",
      choices: Object.keys(PLANS),
      description: "How much: quick takes less than a minute, full about an hour",
    },
    workload: {
      default: "",
      form: "NAMES",
      description: `Which, by comma, of ${WORKLOADS.map(({ id }) => id).join(", ")}`,
    },
    subjects: {
      default: "",
      form: "NAMES",
      description: "Which servers, by comma; all by default",
    },
    libos: { default: "catnap", form: "NAMES", description: "Which libOSes for ours, by comma" },
    idle: {
      default: "",
      form: "NAMES",
      description:
        "The idle policies of ours, by comma; adaptive by default, or as the workload has it",
    },
    parts: {
      default: "",
      form: "TEXT",
      description: "Which parts of a workload: those whose name begins so; all by default",
    },
    rounds: { default: 0, minimum: 0, description: "Rounds of each workload; 0 is as planned" },
    out: { default: "", form: "DIR", description: "Where to write results.json and the plots" },
    baseline: { default: "", form: "FILE", description: "An earlier results.json to compare with" },
  },
} as const;

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  if (machine.compiler === undefined) {
    throw new BenchmarkError(
      "Cannot measure: the load generators are in C, and there is no C compiler; install gcc, or set CC",
    );
  }
  const plan: Plan = PLANS[values.plan as keyof typeof PLANS];
  const wanted = chooseParts(chooseWorkloads(list(values.workload) ?? plan.workloads), values.parts)
    .map((workload) =>
      values.rounds === 0 ? workload : { ...workload, rounds: () => values.rounds }
    );
  const only = list(values.subjects);
  const earlier = values.baseline === "" ? undefined : await readRun(values.baseline);
  // Whoever says how many rounds wants no more for the sake of precision.
  const { precision: _, ...effortOfRounds } = plan.effort;
  const effort = values.rounds === 0 ? plan.effort : effortOfRounds;
  // What cannot be written shall not take the time to measure it.
  if (values.out !== "") await prepareFolder(values.out);
  const date = new Date().toISOString();
  const experiments: Experiment[] = [];
  for (const workload of wanted) {
    using found = await subjects(machine, workload.protocol, {
      libos: list(values.libos) ?? [],
      idle: list(values.idle) ?? workload.idle,
      only: only ?? workload.subjects,
    });
    if (found.candidates.length === 0) continue;
    experiments.push(await experiment(machine, workload, { subjects: found, effort }));
  }
  assertMeasured(experiments, wanted);
  const run: Run = {
    schema: SCHEMA,
    date,
    command: values.command,
    plan: values.plan,
    machine: {
      description: machine.description,
      versions: await versions(machine),
      notices: machine.notices,
    },
    experiments,
  };
  console.log(values.json ? JSON.stringify(run) : showRun(run));
  if (earlier !== undefined) {
    const comparison = `\nAgainst ${values.baseline}:\n\n${showComparisons(compare(earlier, run))}`;
    // The JSON is alone on stdout.
    (values.json ? console.error : console.log)(comparison);
  }
  if (values.out !== "") await write(values.out, run);
});

function chooseWorkloads(ids: readonly string[] | undefined): Workload[] {
  const known = WORKLOADS.map(({ id }) => id);
  assertKnown("workload", ids ?? [], known);
  return WORKLOADS.filter(({ id }) => (ids ?? known).includes(id));
}

function chooseParts(workloads: readonly Workload[], prefix: string): Workload[] {
  const chosen = workloads.map((workload) => ({
    ...workload,
    parts: workload.parts.filter(({ name }) => name.startsWith(prefix)),
  })).filter(({ parts }) => parts.length > 0);
  if (chosen.length > 0) return chosen;
  const names = workloads.flatMap(({ parts }) => parts.map(({ name }) => name));
  throw new BenchmarkError(
    `Cannot measure parts "${prefix}": there is none, there is ${names.join(", ")}`,
  );
}

/** A workload that nobody can take part in is left out; but where there is nothing else, that is an error. */
function assertMeasured(experiments: readonly Experiment[], wanted: readonly Workload[]): void {
  if (experiments.some(({ samples }) => samples.length > 0)) return;
  const reasons = experiments.flatMap(({ id, skipped }) =>
    skipped.map(({ subject, reason }) => `${subject} (${id}): ${reason}`)
  );
  throw new BenchmarkError(
    `Cannot measure ${wanted.map(({ id }) => id).join(", ")}: no server is left, ` +
      (reasons.length === 0
        ? "none of those in --subjects speaks the protocol; choose others"
        : `since ${[...new Set(reasons)].join("; ")}`),
  );
}

/** The names in a list by comma; `undefined` for an empty one. */
function list(text: string): string[] | undefined {
  return text === "" ? undefined : text.split(",").map((name) => name.trim());
}

/** Makes the folder and tries it. */
async function prepareFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: folder }));
  } catch (error) {
    const { message } = error as Error;
    throw new BenchmarkError(`Cannot write results to ${folder}: ${message}; choose another --out`);
  }
}

async function write(folder: string, run: Run): Promise<void> {
  await Deno.writeTextFile(`${folder}/results.json`, `${JSON.stringify(run)}\n`);
  for (const [name, svg] of plots(run)) await Deno.writeTextFile(`${folder}/${name}`, svg);
}
