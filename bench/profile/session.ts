/**
 * A server under load, first with V8's profiler and then with the trace of its foreign calls.
 *
 * @module
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Machine } from "../_harness/machine.ts";
import type { Progress } from "../_harness/progress.ts";
import { Server } from "../_harness/server.ts";
import { type CpuProfile, parseCpuProfile } from "./cpu_profile.ts";
import { lineReader, nameForeignCalls } from "./foreign_calls.ts";
import { Observer } from "./observer.ts";
import { INTERVAL } from "./when_signalled.ts";
import type { CallCount } from "./tracer.ts";
import type { Loaded, Workload } from "./workload.ts";

/** How long, and how closely. */
export interface SessionOptions {
  /** How long the profile is, in seconds. */
  readonly seconds: number;
  /** How often V8 is to look, in microseconds. */
  readonly interval: number;
}

/** A profile, and how fast the server was meanwhile and before. */
export interface Profiled {
  /** The profile, in which foreign calls have their names. */
  readonly profile: CpuProfile;
  /** The load before the profiler was started. */
  readonly before: Loaded;
  /** The load while it ran, and a moment before and after. */
  readonly during: Loaded;
}

/** The foreign calls under a load. */
export interface Traced {
  /** The calls, by symbol. */
  readonly calls: readonly CallCount[];
  /** The requests that they were made for. */
  readonly requests: number;
}

/** By then everything that is often run is optimized. */
const WARM_UP_MS = 1500;
/** The load goes on for so long before the profiler starts and after it should have stopped. */
const MARGIN_MS = 400;
const TRACE_MS = 500;
/** The steps that the progress takes. */
export const STEPS = 5;

/**
 * Profiles a workload in its steady phase.
 *
 * @throws {BenchmarkError} If the server died, an answer was wrong, or V8 took no samples.
 */
export async function profileWorkload(
  machine: Machine,
  workload: Workload,
  { seconds, interval }: SessionOptions,
  progress: Progress,
): Promise<Profiled> {
  const env = { [INTERVAL]: String(interval) };
  await using observer = new Observer("recorder.ts", env);
  await using server = await Server.start(machine, observer.preload(workload.command));
  progress.step("warm-up");
  await workload.run(machine, server, WARM_UP_MS);
  progress.step("without the profiler");
  const before = await workload.run(machine, server, seconds * 1000);
  progress.step("with the profiler");
  const [during, profile] = await Promise.all([
    workload.run(machine, server, seconds * 1000 + 2 * MARGIN_MS),
    observeMeanwhile(observer, server, seconds),
  ]);
  return { profile: nameForeignCalls(parseCpuProfile(profile), lineReader()), before, during };
}

async function observeMeanwhile(observer: Observer, server: Server, seconds: number) {
  await wait(MARGIN_MS);
  observer.begin(server);
  await wait(seconds * 1000);
  return await observer.end(server);
}

/**
 * Counts the foreign calls of a workload, and how many of them were fast ones.
 *
 * @throws {BenchmarkError} If the server died, or an answer was wrong.
 */
export async function traceWorkload(
  machine: Machine,
  workload: Workload,
  progress: Progress,
): Promise<Traced> {
  const env = { DENO_UNSTABLE_FFI_TRACE_TURBO: "1" };
  await using observer = new Observer("tracer.ts", env);
  await using server = await Server.start(machine, observer.preload(workload.command));
  progress.step("warm-up for the trace of foreign calls");
  await workload.run(machine, server, WARM_UP_MS);
  progress.step("trace of foreign calls");
  observer.begin(server);
  const { requests } = await workload.run(machine, server, TRACE_MS);
  return { calls: JSON.parse(await observer.end(server)), requests };
}
