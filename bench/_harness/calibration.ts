/**
 * The calibration that stands beside every figure: on a virtual machine the host moves the cores, near or far from one
 * another, and gives them more or less of its own, and latencies of different phases cannot be compared.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import { run } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";
import { quantile } from "./statistics.ts";
import { microseconds } from "./table.ts";

/** A reading: two round trips between the cores, medians in nanoseconds. One that could not be made is absent. */
export interface Reading {
  /** A cache line handed to the other core and back: where the host has put the cores. */
  readonly cacheLine?: number;
  /** 64 bytes over a TCP connection on loopback, and back: how fast the kernel is there. Needs a C compiler. */
  readonly loopback?: number;
}

/** Makes a reading, in some 30 ms: the shorter, the more often the machine stands still meanwhile. */
export async function calibrate(machine: Machine): Promise<Reading> {
  if (machine.compiler === undefined) return await calibrateWithWorker();
  const { cores } = machine;
  const options = cores ? ["--cpus", `${cores.client},${cores.server}`] : [];
  const { code, stdout, stderr } = await run([await buildPeer(machine, "calibrate"), ...options]);
  if (code !== 0) throw new BenchmarkError(`Cannot calibrate: ${stderr || `exit code ${code}`}`);
  const [cacheLine, loopback] = stdout.split(" ").map(Number);
  return { cacheLine: cacheLine!, loopback: loopback! };
}

const TRIPS_PER_BATCH = 1_000;
const BATCHES = 60;
const PATIENCE_MS = 2_000;

/** The same without C: a Worker answers. It is not pinned, and some 20 ns slower than the C one. */
async function calibrateWithWorker(): Promise<Reading> {
  const worker = new Worker(import.meta.resolve("./calibration_worker.ts"), { type: "module" });
  try {
    // Two Int32 words, 128 bytes apart, so that each has its cache line.
    const words = new Int32Array(new SharedArrayBuffer(256));
    const started = Promise.withResolvers<void>();
    worker.onmessage = () => started.resolve();
    worker.postMessage({ words, trips: TRIPS_PER_BATCH * BATCHES });
    await started.promise;
    const times: number[] = [];
    const deadline = performance.now() + PATIENCE_MS;
    let spins = 0;
    for (let trip = 0; times.length < BATCHES;) {
      const begin = performance.now();
      for (let i = 0; i < TRIPS_PER_BATCH; i++) {
        Atomics.store(words, 0, ++trip);
        while (Atomics.load(words, 32) !== trip) {
          if (++spins % 65_536 === 0 && performance.now() > deadline) return {};
        }
      }
      times.push((performance.now() - begin) * 1e6 / TRIPS_PER_BATCH);
    }
    return { cacheLine: Math.round(quantile(times, 0.5)) };
  } finally {
    worker.terminate();
  }
}

/** Returns a reading in a few words. */
export function describeReading({ cacheLine, loopback }: Reading): string {
  const parts = [
    ...(cacheLine === undefined ? [] : [`${cacheLine} ns`]),
    ...(loopback === undefined ? [] : [`${microseconds(loopback)} us`]),
  ];
  return parts.length === 0 ? "an unknown distance" : parts.join(" and ");
}

/** Returns the line that reports the readings taken before, during and after a run. */
export function describeCalibration(readings: readonly Reading[]): string {
  const describe = (kind: keyof Reading, write: (ns: number) => string) => {
    const known = readings.flatMap((reading) => reading[kind] ?? []);
    if (known.length === 0) return "could not be measured";
    return `${write(known[0]!)} before, ${write(known.at(-1)!)} after ` +
      `(${write(Math.min(...known))} to ${write(Math.max(...known))} in ${known.length} readings)`;
  };
  return `Between the cores and back: a cache line ${describe("cacheLine", (ns) => `${ns} ns`)}; ` +
    `64 bytes over TCP ${describe("loopback", (ns) => `${microseconds(ns)} us`)}`;
}
