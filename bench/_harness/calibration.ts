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
import { microseconds } from "./table.ts";

/** A reading: two round trips between the cores, medians in nanoseconds. Absent without a C compiler. */
export interface Reading {
  /** A cache line handed to the other core and back: where the host has put the cores. */
  readonly cacheLine?: number;
  /** 64 bytes over a TCP connection on loopback, and back: how fast the kernel is there. */
  readonly loopback?: number;
}

/** Makes a reading, in some 30 ms: the shorter, the more often the machine stands still meanwhile. */
export async function calibrate(machine: Machine): Promise<Reading> {
  if (machine.compiler === undefined) return {};
  const { cores } = machine;
  const options = cores ? [cores.client, cores.server].map(String) : [];
  const { code, stdout, stderr } = await run([await buildPeer(machine, "calibrate"), ...options]);
  if (code !== 0) throw new BenchmarkError(`Cannot calibrate: ${stderr || `exit code ${code}`}`);
  const [cacheLine, loopback] = stdout.split(" ").map(Number);
  return { cacheLine: cacheLine!, loopback: loopback! };
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
