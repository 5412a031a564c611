/**
 * The results of a run of the latency harness, as `--json` prints them and `results.json` keeps them.
 * Times are nanoseconds, memory is bytes. A field that could not be measured is absent, never zero.
 *
 * The version in {@linkcode SCHEMA} changes its number when a field changes its meaning or goes away;
 * a reader may ignore fields that it does not know.
 *
 * @module
 */

import type { Reading } from "../_harness/calibration.ts";

/** The name and the version of the format. */
export const SCHEMA = "demikernel-latency/3";

/** A whole run. */
export interface Run {
  /** {@linkcode SCHEMA}. */
  readonly schema: typeof SCHEMA;
  /** When it began, in ISO 8601. */
  readonly date: string;
  /** The command that repeats it. */
  readonly command: string;
  /** The plan, `quick` or `full`; the command says what was changed of it. */
  readonly plan: string;
  /** What it ran on. */
  readonly machine: MachineFacts;
  /** What was measured, in the order in which it was. */
  readonly experiments: readonly Experiment[];
}

/** The machine, as far as a reader needs it to compare. */
export interface MachineFacts {
  /** One line for people. */
  readonly description: string;
  /** The versions of what took part, by name: `deno`, `node`, `bun`, `redis-server`, `cc` … */
  readonly versions: Readonly<Record<string, string>>;
  /** What was missing, and what that does to the figures. */
  readonly notices: readonly string[];
}

/** One workload with all its subjects, interleaved. */
export interface Experiment {
  /** Its name on the command line, `tcp-echo` for one. */
  readonly id: string;
  /** What was measured, as a heading. */
  readonly title: string;
  /** How much, and how often, as a sentence. */
  readonly effort: string;
  /** What varies from point to point; absent where there is one point only. */
  readonly parameter?: Parameter;
  /** Who could not take part, and why. */
  readonly skipped: readonly { readonly subject: string; readonly reason: string }[];
  /** What was measured; empty if nobody could take part. */
  readonly samples: readonly Sample[];
  /** What counts. */
  readonly ratios: readonly RatioResult[];
  /** Each reading of the calibration, in the order of time. */
  readonly calibration: readonly Reading[];
  /** The servers that took part. */
  readonly subjects: readonly Participant[];
  /** What a reader must know to read the figures right. */
  readonly notes: readonly string[];
}

/** A server that took part. */
export interface Participant {
  /** Its name on the command line; ours has the same on every libOS. */
  readonly id: string;
  /** Its name in the samples. */
  readonly name: string;
  /** The libOS that it is on, if it is ours. */
  readonly libos?: string;
}

/** What varies within an experiment. */
export interface Parameter {
  /** `size`, `connections`, `rate` … */
  readonly name: string;
  /** Its unit: `B`, `requests/s`; empty for a number of things. */
  readonly unit: string;
}

/** One subject, at one point, in one round. */
export interface Sample {
  /** Who was measured. */
  readonly subject: string;
  /** The round, from 0. */
  readonly round: number;
  /** The value of the parameter. */
  readonly point?: number;
  /** The same within the experiment for whatever is to be told apart beside the point: `GET, P=16`. */
  readonly variant?: string;
  /**
   * Whether the machine stood still meanwhile, in the phase that counts. Ratios are of samples of one round that are
   * both steady, if any are.
   */
  readonly steady: boolean;
  /** The calibration before and after, if it was of one phase. */
  readonly phase?: Reading;
  /** Latency of each operation; absent where only a rate was measured, or nothing was answered. */
  readonly latency?: LatencyFigures;
  /** Operations per second. */
  readonly throughput?: number;
  /** Bytes per second, one way. */
  readonly bandwidth?: number;
  /** Datagrams that had no reply; echoes over TCP, too, on a wire where connections are known to fall silent. */
  readonly lost?: number;
  /** Open loop: requests that were due and had no reply when the time was up. */
  readonly unanswered?: number;
  /** Pauses for garbage collection in the server under this load, its warm-up included; absent without V8. */
  readonly pauses?: { readonly count: number; readonly total: number; readonly longest: number };
  /** What the server used. */
  readonly server?: ServerFigures;
}

/** The distribution of a latency. */
export interface LatencyFigures {
  /** How many were measured. */
  readonly count: number;
  /** The mean. */
  readonly mean: number;
  /** The fastest. */
  readonly min: number;
  /** The median. */
  readonly p50: number;
  /** The 90th percentile. */
  readonly p90: number;
  /** The 99th percentile. */
  readonly p99: number;
  /** The 99.9th percentile. */
  readonly p999: number;
  /** The slowest. */
  readonly max: number;
  /** All of it: an HDR histogram of nanoseconds in the V2 format, compressed, in base64. */
  readonly histogram?: string;
}

/** What a server used. */
export interface ServerFigures {
  /** Processor time per second of real time under the load, in milliseconds. */
  readonly cpu?: number;
  /** Processor time per second of real time while nothing was asked of it, in milliseconds. */
  readonly idleCpu?: number;
  /** Memory in RAM. */
  readonly resident?: number;
  /** The part of it that is not backed by files: heaps and stacks. */
  readonly anonymous?: number;
  /** What of it came with each open connection. */
  readonly perConnection?: number;
}

/** A figure that counts: a quotient within rounds, or one that counts by itself. */
export interface RatioResult {
  /** Which is divided by which, and what of them; or what it is. */
  readonly label: string;
  /** The middle one over the rounds; of means where `ofMeans` says so. */
  readonly median: number;
  /** In how many rounds both had a sample that counts; absent for a figure that counts by itself. */
  readonly rounds?: number;
  /** The lowest. */
  readonly min: number;
  /** The highest. */
  readonly max: number;
  /**
   * With a probability of 95 %, as far as the rounds tell, `median` is not less than this; what differs from one start
   * of the servers to the next is in it only as far as they were started again. Absent for less than six rounds.
   */
  readonly low?: number;
  /** And not more than this. */
  readonly high?: number;
  /**
   * Whether `median` is the quotient of the means over the rounds, but for the lowest and the highest tenth of them:
   * for a peer that has modes.
   */
  readonly ofMeans?: boolean;
  /** The target, if it is at most this. */
  readonly atMost?: number;
  /** The target, if it is at least this. */
  readonly atLeast?: number;
  /** Whether the target is met; absent without one. */
  readonly met?: boolean;
}
