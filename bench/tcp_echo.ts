/**
 * TCP echo of 64 bytes: ours, as a generator and as an async iterator, against the plainest C loop
 * over the same sockets and against `Deno.listen`.
 *
 * @module
 */
import { runProgram } from "./_harness/command_line.ts";
import { effortOf, LATENCY_COLUMNS, latencyRow, measureEchoes } from "./_harness/echo.ts";
import { inspectMachine } from "./_harness/machine.ts";
import type { Latency } from "./_harness/pingpong.ts";
import { printReport, type Ratio } from "./_harness/report.ts";
import { mean, ratios, spread } from "./_harness/statistics.ts";
import { cSpinEcho, denoListenEcho, ourEcho } from "./_harness/targets.ts";

const program = {
  name: "tcp_echo.ts",
  summary: "Latency of a TCP echo: C, ours (generator and iterator), Deno.listen, in turn.",
  options: {
    rounds: { default: 7, description: "Rounds of all four servers" },
    iterations: { default: 50_000, description: "Echoes measured per server and round" },
    warmup: { default: 50_000, minimum: 0, description: "Echoes before, while V8 compiles" },
    size: { default: 64, description: "Bytes in a message" },
    idle: {
      default: "adaptive",
      choices: ["spin", "adaptive", "park"],
      description: "The idle policy of our server",
    },
  },
} as const;

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  const commands = [
    await cSpinEcho(machine),
    ourEcho("generator", values.idle),
    ourEcho("iterator", values.idle),
    denoListenEcho(),
  ];
  const { samples, calibration, notes } = await measureEchoes(machine, values, commands);
  printReport({
    title: `TCP echo, ${values.size} bytes, round trip in us (median of the rounds)`,
    machine,
    effort: effortOf(values),
    columns: LATENCY_COLUMNS,
    rows: [...samples].map(([name, list]) => latencyRow(name, list)),
    ratios: compare(samples),
    notes: [
      ...notes,
      "Each ratio is taken within a round, then the median over the rounds; the last one, because " +
      "Deno.listen has two modes, is mean p50 / mean p50 over all rounds",
    ],
    calibration,
    command: values.command,
    samples: Object.fromEntries(samples),
  }, values.json);
});

function compare(samples: ReadonlyMap<string, readonly Latency[]>): Ratio[] {
  const column = (name: string, key: "p50" | "p90" | "p99") =>
    samples.get(name)!.map((latency) => latency[key]);
  const lines: Ratio[] = [];
  for (const [handler, atMost] of [["generator", 1.08], ["iterator", 1.15]] as const) {
    for (const key of ["p50", "p90", "p99"] as const) {
      lines.push({
        label: `ours, ${handler} / C spin, ${key}`,
        ...spread(ratios(column(`ours, ${handler}`, key), column("C spin", key))),
        ...(key === "p50" ? { atMost } : {}),
      });
    }
  }
  for (const handler of ["generator", "iterator"]) {
    const [theirs, ours] = [column("Deno.listen", "p50"), column(`ours, ${handler}`, "p50")];
    lines.push({
      label: `Deno.listen / ours, ${handler}, mean p50`,
      ...spread(ratios(theirs, ours)),
      median: mean(theirs) / mean(ours),
      atLeast: 2.0,
    });
  }
  return lines;
}
