/**
 * The cache-line calibration that stands beside every figure: on a virtual machine the host moves the
 * cores, near or far from one another, and latencies of different phases cannot be compared.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import { run } from "./children.ts";
import { BenchmarkError } from "./command_line.ts";
import type { Machine } from "./machine.ts";
import { quantile } from "./statistics.ts";

/** A cache line handed to the other core and back: the median, in nanoseconds. */
export async function calibrate(machine: Machine): Promise<number> {
  if (machine.compiler === undefined) return await calibrateWithWorker();
  const { cores } = machine;
  const options = cores ? ["--cpus", `${cores.client},${cores.server}`] : [];
  const { code, stdout, stderr } = await run([await buildPeer(machine, "cacheline"), ...options]);
  if (code !== 0) throw new BenchmarkError(`Cannot calibrate: ${stderr || `exit code ${code}`}`);
  return Number(stdout);
}

const TRIPS_PER_BATCH = 1_000;
const BATCHES = 60;
const PATIENCE_MS = 2_000;

/** The same without C: a Worker answers. It is not pinned, and some 20 ns slower than the C one. */
async function calibrateWithWorker(): Promise<number> {
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
          if (++spins % 65_536 === 0 && performance.now() > deadline) return NaN;
        }
      }
      times.push((performance.now() - begin) * 1e6 / TRIPS_PER_BATCH);
    }
    return Math.round(times.toSorted((a, b) => a - b)[BATCHES >> 1]!);
  } finally {
    worker.terminate();
  }
}

/** Whether readings are of one phase; near and far differ by a factor of more than four. */
export function isOnePhase(readings: readonly number[]): boolean {
  const known = readings.filter((ns) => !Number.isNaN(ns));
  return known.length === 0 || Math.max(...known) < 2 * Math.min(...known);
}

/**
 * Says of each list of readings whether it is of one phase, and of the one that most lists are of: figures of two
 * phases cannot be taken together, even where each is of one.
 */
export function areInCommonPhase(lists: readonly (readonly number[])[]): boolean[] {
  const levels = lists.map((readings) => isOnePhase(readings) ? levelOf(readings) : undefined);
  const isLike = (one: number | undefined, other: number | undefined) =>
    one !== undefined && other !== undefined && isOnePhase([one, other]);
  const kin = levels.map((level) => levels.filter((other) => isLike(level, other)).length);
  const common = levels[kin.indexOf(Math.max(...kin))];
  return levels.map((level) => isLike(level, common));
}

/** The middle one of some readings, in nanoseconds; `NaN` if none could be made. */
export function levelOf(readings: readonly number[]): number {
  const known = readings.filter((ns) => !Number.isNaN(ns));
  return known.length === 0 ? NaN : quantile(known, 0.5);
}

/** Returns the line that reports the readings taken before, during and after a run. */
export function describeCalibration(readings: readonly number[]): string {
  const known = readings.filter((ns) => !Number.isNaN(ns));
  if (known.length === 0) return "Cache line between the cores: could not be measured";
  return `Cache line between the cores and back: ${known[0]} ns before, ${known.at(-1)} ns after ` +
    `(${Math.min(...known)}-${Math.max(...known)} in ${known.length} readings)`;
}
