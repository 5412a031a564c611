/**
 * TCP echo of 64 bytes on Microsoft's library and beside it: a C program on its catnap, ours on it through
 * FFI, and our own catnap in TypeScript; and the plainest C loop, as a floor.
 *
 * @module
 */
import { runProgram } from "./_harness/command_line.ts";
import { cDemikernelEcho, NativeConfigurationFile } from "./_harness/demikernel_peer.ts";
import { effortOf, LATENCY_COLUMNS, latencyRow, measureEchoes } from "./_harness/echo.ts";
import { inspectMachine } from "./_harness/machine.ts";
import { printReport } from "./_harness/report.ts";
import { ratios, spread } from "./_harness/statistics.ts";
import { cSpinEcho, ourEcho } from "./_harness/targets.ts";

const program = {
  name: "native_echo.ts",
  summary: "Latency of a TCP echo on libdemikernel's catnap, from C and from Deno, and on our own.",
  options: {
    rounds: { default: 7, description: "Rounds of all four servers" },
    iterations: { default: 50_000, description: "Echoes measured per server and round" },
    warmup: { default: 50_000, minimum: 0, description: "Echoes before, while V8 compiles" },
    size: { default: 64, description: "Bytes in a message" },
  },
} as const;

const C_NATIVE = "C on libdemikernel";

await runProgram(program, async (values) => {
  const machine = inspectMachine();
  using configuration = new NativeConfigurationFile();
  const commands = [
    await cSpinEcho(machine),
    await cDemikernelEcho(machine, configuration),
    ourEcho("generator", "adaptive", "demikernel:catnap"),
    ourEcho("generator"),
  ];
  const { samples, calibration, notes } = await measureEchoes(machine, values, commands);
  const p50 = (name: string) => samples.get(name)!.map((latency) => latency.p50);
  const [spin, , native, own] = commands.map(({ name }) => name) as [
    string,
    string,
    string,
    string,
  ];
  const ratio = (above: string, below: string, atMost?: number) => ({
    label: `${above} / ${below}, p50`,
    ...spread(ratios(p50(above), p50(below))),
    ...(atMost === undefined ? {} : { atMost }),
  });
  printReport({
    title: `TCP echo, ${values.size} bytes, round trip in us (median of the rounds)`,
    machine,
    effort: effortOf(values),
    columns: LATENCY_COLUMNS,
    rows: [...samples].map(([name, list]) => latencyRow(name, list)),
    ratios: [
      ratio(native, C_NATIVE, 1.1),
      ratio(own, C_NATIVE, 0.85),
      ratio(C_NATIVE, spin),
      ratio(own, spin),
    ],
    notes,
    calibration,
    command: values.command,
    samples: Object.fromEntries(samples),
  }, values.json);
});
