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

/**
 * What tells two phases apart: `coarse` is where the cores are, near or far, which is a factor of two and more; `fine`
 * is also how fast they are just now, of which there are steps of some 10 %.
 */
export type Sensitivity = "fine" | "coarse";

/** Readings of one phase are within these factors. */
const WITHIN = { cacheLine: 2, loopback: 1.06 };

/** Whether readings are of one phase. */
export function isOnePhase(readings: readonly Reading[], sensitivity: Sensitivity): boolean {
  const areClose = (kind: keyof Reading) => {
    const known = readings.flatMap((reading) => reading[kind] ?? []);
    return known.length === 0 || Math.max(...known) < WITHIN[kind] * Math.min(...known);
  };
  return areClose("cacheLine") && (sensitivity === "coarse" || areClose("loopback"));
}

/**
 * A phase, by the lowest reading that is of it. A kind of reading that it does not have tells nothing: nobody could make
 * one, or the phases are coarse.
 */
export type Phase = Reading;

/**
 * Says of each list of readings whether it is of one phase, and of the one that counts: figures of two phases cannot be
 * taken together, even where each is of one.
 */
export function areInCommonPhase(
  lists: readonly (readonly Reading[])[],
  sensitivity: Sensitivity,
): boolean[] {
  const levels = lists.map((readings) => levelOfOnePhase(readings, sensitivity));
  const phase = commonPhase([levels], sensitivity);
  return levels.map((level) => phase !== undefined && isOf(level, phase));
}

/** The readings that tell phases apart, in the order in which a phase is chosen by them. */
const KINDS = { fine: ["loopback", "cacheLine"], coarse: ["cacheLine"] } as const;

/** The fastest phase counts if this share of the levels is of it. */
const SHARE = 0.2;

/**
 * The phase that counts, of each of some groups of levels; none if a group has nothing of it. Where phases are fine, it is
 * that in which the machine is fastest, since the host leaves it alone then, if a fifth of each group is of it.
 * Otherwise, and for the distance of the cores, it is that of which most levels are in the group that has fewest of
 * them. What is `undefined` is of no phase.
 */
export function commonPhase(
  groups: readonly (readonly (Reading | undefined)[])[],
  sensitivity: Sensitivity,
): Phase | undefined {
  let phase: Phase = {};
  for (const kind of KINDS[sensitivity]) {
    const known = groups.map((group) =>
      group.filter((level) => isOf(level, phase)).flatMap((level) => level![kind] ?? [])
        .toSorted((a, b) => a - b)
    );
    if (known.every((values) => values.length === 0)) continue;
    const counts = (floor: number) =>
      known.map((values) => rank(values, WITHIN[kind] * floor) - rank(values, floor));
    let floors = [...new Set(known.flat())].toSorted((a, b) => a - b);
    const fastest = kind === "cacheLine"
      ? undefined
      : floors.find((floor) =>
        counts(floor).every((count, group) => count >= SHARE * known[group]!.length)
      );
    if (fastest !== undefined) {
      // What is even lower by chance is left behind; but above the middle, another phase would begin to be in reach.
      const own = known.flat().filter((ns) => isWithin(ns, fastest, kind));
      const middle = quantile(own, 0.5);
      floors = floors.filter((floor) => fastest <= floor && floor <= middle);
    }
    const least = floors.map((floor) => Math.min(...counts(floor)));
    const most = Math.max(...least);
    if (most === 0) return undefined;
    phase = { ...phase, [kind]: floors[least.indexOf(most)] };
  }
  return groups.every((group) => group.some((level) => isOf(level, phase))) ? phase : undefined;
}

/** How many of the values, which ascend, are lower than a limit. */
function rank(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Whether a level is of a phase. A single reading scatters, and may be by a share of itself lower than all levels are.
 */
export function isOf(level: Reading | undefined, phase: Phase, scatter = 0): boolean {
  if (level === undefined) return false;
  return (["cacheLine", "loopback"] as const).every((kind) => {
    const floor = phase[kind];
    const ns = level[kind] ?? NaN;
    return floor === undefined || (ns >= (1 - scatter) * floor && ns < WITHIN[kind] * floor);
  });
}

function isWithin(ns: number, floor: number, kind: keyof Reading): boolean {
  return ns >= floor && ns < WITHIN[kind] * floor;
}

/** The medians of some readings. */
export function levelOf(readings: readonly Reading[]): Reading {
  const middle = (kind: keyof Reading) => {
    const known = readings.flatMap((reading) => reading[kind] ?? []);
    return known.length === 0 ? {} : { [kind]: quantile(known, 0.5) };
  };
  return { ...middle("cacheLine"), ...middle("loopback") };
}

/** The medians of some readings, if they are of one phase. */
export function levelOfOnePhase(
  readings: readonly Reading[],
  sensitivity: Sensitivity,
): Reading | undefined {
  return isOnePhase(readings, sensitivity) ? levelOf(readings) : undefined;
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
