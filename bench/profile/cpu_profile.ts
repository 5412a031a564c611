/**
 * The `.cpuprofile` format of V8, as the inspector gives it and as DevTools, VS Code and speedscope read it; of its
 * fields, those that are read here.
 *
 * @module
 */
import { BenchmarkError } from "../_harness/command_line.ts";

/** The function that a node stands for. */
export interface CallFrame {
  /** Its name; empty for one without, in parentheses for what is no function, such as `(idle)`. */
  readonly functionName: string;
  /** Where the script came from; empty for native code. */
  readonly url: string;
  /** The line it begins in, from 0; -1 if unknown. */
  readonly lineNumber: number;
  /** The column it begins in, from 0; -1 if unknown. */
  readonly columnNumber: number;
}

/** Samples in a line of the script. */
export interface PositionTick {
  /** The line, from 1. In native code it is the line of the caller. */
  readonly line: number;
  /** How many samples found the function there. */
  readonly ticks: number;
}

/** A function, called by the functions above it in the tree. */
export interface ProfileNode {
  /** Its number in the profile. */
  readonly id: number;
  /** The function. */
  readonly callFrame: CallFrame;
  /** How many samples found it running, rather than one that it called. */
  readonly hitCount: number;
  /** The numbers of what it called. */
  readonly children?: readonly number[];
  /** Where those samples found it. */
  readonly positionTicks?: readonly PositionTick[];
}

/** A profile. */
export interface CpuProfile {
  /** All nodes; the first is the root. */
  readonly nodes: readonly ProfileNode[];
  /** When it began, in microseconds of the monotonic clock. */
  readonly startTime: number;
  /** When it ended. */
  readonly endTime: number;
}

/**
 * Returns what V8 recorded.
 *
 * @throws {BenchmarkError} If it holds no samples.
 */
export function parseCpuProfile(text: string): CpuProfile {
  const profile: CpuProfile = JSON.parse(text);
  if (countSamples(profile) === 0) {
    throw new BenchmarkError("Cannot read the profile: it holds no samples, record it for longer");
  }
  return profile;
}

/** Returns how many samples found something running, idleness included. */
export function countSamples({ nodes }: CpuProfile): number {
  return nodes.reduce((sum, node) => sum + node.hitCount, 0);
}
