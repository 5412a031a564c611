/**
 * The demonstration: our TCP echo against Deno's own, within 20 seconds, on whatever machine this is.
 *
 * It needs Linux and Deno. With a C compiler the client is C; without one it is ours, on catnap.
 *
 * @module
 */
import { BenchmarkError, runProgram } from "./_harness/command_line.ts";
import { loadEcho } from "./_harness/load.ts";
import { inspectMachine } from "./_harness/machine.ts";
import { experiment } from "./latency/experiment.ts";
import { measureLoad } from "./latency/measurement.ts";
import { latency } from "./latency/samples.ts";
import { showExperiment } from "./latency/show.ts";
import { subjects } from "./latency/subjects.ts";
import type { Workload } from "./latency/workload.ts";
import { tcpEcho } from "./latency/workloads/echo.ts";

const program = {
  name: "demo.ts",
  summary: "Races our TCP echo against Deno.listen: the same client, the same cores, in turn.",
  options: {
    rounds: { default: 5, description: "Rounds of both servers" },
    iterations: {
      default: 40_000,
      description: "Echoes per server and round, as far as 0.7 s allow",
    },
  },
} as const;

/** Milliseconds of a turn: a slow machine makes fewer echoes, not a longer run. */
const TURN_MS = 700;
const OURS = "ours, generator";
const THEIRS = "Deno.listen";

const race: Workload = {
  ...tcpEcho,
  id: "demo",
  subjects: ["ours-generator", "deno-listen"],
  // A turn taken again would take time that there is not.
  phases: "none",
  parts: [{
    name: "",
    measure: async (trial) => {
      const { effort: { operations, milliseconds } } = trial;
      const load = { iterations: operations, warmup: 1_000, timeLimit: milliseconds };
      return [await measureLoad(trial, {}, loadEcho, load)];
    },
  }],
  ratios: (samples) =>
    (["p50", "p90", "p99", "p999"] as const).flatMap((key) =>
      samples.each([THEIRS], [OURS], `, ${key}`, { figure: latency(key) })
    ),
  notes: [`"${OURS}" is Demikernel (catnap), by examples/tcp_echo.ts`],
};

await runProgram(program, async ({ rounds, iterations, json }) => {
  if (Deno.build.os !== "linux") {
    throw new BenchmarkError(`Cannot run the demo: it needs Linux, and this is ${Deno.build.os}`);
  }
  const machine = inspectMachine();
  using found = await subjects(machine, race.protocol, {
    libos: ["catnap"],
    only: race.subjects,
    fetch: false,
  });
  const effort = { operations: iterations, milliseconds: TURN_MS };
  const result = await experiment(machine, race, {
    subjects: found,
    effort: { rounds, sweepRounds: rounds, fresh: 1, ...effort },
  });
  if (json) return console.log(JSON.stringify({ machine: machine.description, ...result }));
  const [faster] = result.ratios;
  if (faster === undefined) {
    throw new BenchmarkError(
      `Cannot race: ${result.skipped.map(({ reason }) => reason).join("; ")}`,
    );
  }
  const { median } = faster;
  console.log(
    [
      machine.description,
      showExperiment(result),
      machine.notices.map((notice) => `* ${notice}`).join("\n"),
      median >= 1
        ? `At the median, Demikernel answers ${median.toFixed(1)} times as fast as ${THEIRS}.`
        : `At the median, Demikernel is SLOWER than ${THEIRS} here (${median.toFixed(2)}).`,
      nextSteps(),
    ].filter(Boolean).join("\n\n"),
  );
});

function nextSteps(): string {
  return `Next:
  deno run -A examples/tcp_echo.ts --port 7000  # the server of this race; try it with nc
  deno run -A examples/kv.ts --port 6380        # a key-value server ...
  redis-cli -p 6380 set greeting hello          # ... for any Redis client
  deno task latency                             # against C, node, Bun and Redis too, if there is a C compiler
  README.md, docs/                              # how to write a handler, and what runs beneath it`;
}
