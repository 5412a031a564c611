/**
 * Where the nanoseconds of a request go: a server of ours under V8's profiler, and under the trace of its foreign
 * calls.
 *
 * @module
 */
import { calibrate } from "./_harness/calibration.ts";
import { BenchmarkError, runProgram } from "./_harness/command_line.ts";
import { inspectMachine, type Machine } from "./_harness/machine.ts";
import { Progress } from "./_harness/progress.ts";
import { flameGraph } from "./latency/plots/flame_graph.ts";
import { reach } from "./latency/reach.ts";
import { flameTree } from "./profile/attribution.ts";
import { formatReport, makeReport } from "./profile/report.ts";
import { profileWorkload, type SessionOptions, STEPS, traceWorkload } from "./profile/session.ts";
import { type Workload, workloadOf, WORKLOADS } from "./profile/workload.ts";

const program = {
  name: "profile.ts",
  summary: "Where the nanoseconds of a request go, by category and by function.",
  options: {
    workload: {
      default: "tcp-echo",
      choices: Object.keys(WORKLOADS),
      description: "The server, and its load",
    },
    handler: {
      default: "generator",
      choices: ["generator", "iterator"],
      description: "How the handler of tcp-echo is written",
    },
    pipeline: { default: 1, description: "Requests under way on each connection of kv" },
    libos: { default: "catnap", form: "NAME", description: "The libOS, with its wire" },
    idle: {
      default: "adaptive",
      choices: ["spin", "adaptive", "park"],
      description: "The idle policy of the server",
    },
    seconds: { default: 5, description: "How long the profile is" },
    interval: { default: 100, minimum: 20, description: "Microseconds from sample to sample" },
    out: {
      default: "",
      form: "DIR",
      description: "Where to write profile.cpuprofile, flame.svg and profile.json",
    },
  },
} as const;

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  const way = reach(machine, values.libos);
  if ("skipped" in way) throw new BenchmarkError(`Cannot profile: ${way.skipped}`);
  using _wire = way;
  const workload = workloadOf(values, way.libos);
  // First, since all would be in vain if it could not be made.
  if (values.out !== "") await Deno.mkdir(values.out, { recursive: true });
  const { profiled, traced, calibration } = await measure(machine, workload, values);
  const heading = {
    title: `Profile of ${workload.title}`,
    machine: machine.description,
    command: values.command,
    calibration,
  };
  const report = makeReport(heading, profiled, traced);
  const json = JSON.stringify(report, null, 2);
  if (values.out !== "") {
    const tree = flameTree(profiled.profile, report.nsPerRequest);
    const write = (name: string, text: string) => Deno.writeTextFile(`${values.out}/${name}`, text);
    await write("profile.cpuprofile", JSON.stringify(profiled.profile));
    await write("flame.svg", flameGraph(tree, { title: heading.title, unit: "ns per request" }));
    await write("profile.json", json);
  }
  console.log(values.json ? json : formatReport(report));
});

async function measure(machine: Machine, workload: Workload, options: SessionOptions) {
  const progress = new Progress(STEPS);
  try {
    const calibration = [await calibrate(machine)];
    const profiled = await profileWorkload(machine, workload, options, progress);
    calibration.push(await calibrate(machine));
    return { calibration, profiled, traced: await traceWorkload(machine, workload, progress) };
  } finally {
    progress.done();
  }
}
