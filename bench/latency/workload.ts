/**
 * Workloads: what can be asked of a server, and what of the answers counts.
 *
 * @module
 */
import type { Machine } from "../_harness/machine.ts";
import type { Server } from "../_harness/server.ts";
import type { Samples } from "./samples.ts";
import type { Parameter, RatioResult, Sample } from "./schema.ts";
import type { Protocol, Subject } from "./subjects.ts";

/** How much to do in one measurement; the plans differ in this. */
export interface Effort {
  /** Rounds of a workload that has one point. */
  readonly rounds: number;
  /** Rounds of a workload that has many. */
  readonly sweepRounds: number;
  /** Operations in a closed loop, where a round takes one measurement. */
  readonly operations: number;
  /** Milliseconds for each of many points. */
  readonly milliseconds: number;
}

/** A server that runs and is warm, and what to do to it. */
export interface Trial {
  /** Where. */
  readonly machine: Machine;
  /** The server. */
  readonly server: Server;
  /** Who that is. */
  readonly subject: Subject;
  /** How much to do. */
  readonly effort: Effort;
  /** The round, from 0: what has an order of its own turns it round in every other one. */
  readonly round: number;
}

/** What one measurement brought. */
export type Measurement = Omit<Sample, "subject" | "round" | "steady">;

/** See the module's description. */
export interface Workload {
  /** Its name on the command line. */
  readonly id: string;
  /** What it measures, as a heading. */
  readonly title: string;
  /** What a server must speak. */
  readonly protocol: Protocol;
  /** Who takes part, by id, unless others are asked for. */
  readonly subjects: readonly string[];
  /** The id of the one that the others are compared with. */
  readonly baseline: string;
  /** What varies within a trial. */
  readonly parameter?: Parameter;
  /** Whether it takes many connections at once. @default {false} */
  readonly many?: boolean;
  /** Where its client has to be: on the kernel's sockets, or even on its loopback. Anywhere if not given. */
  readonly client?: "kernel" | "loopback";
  /**
   * Whether what it measures depends on where the host has put the cores; then rounds in which that changed are
   * made again.
   *
   * @default {true}
   */
  readonly phased?: boolean;
  /** How many rounds. */
  rounds(effort: Effort): number;
  /** What one round does to each server, in words. */
  describe(effort: Effort): string;
  /** Measures a server that is warm, at all points. */
  measure(trial: Trial): Promise<Measurement[]>;
  /** What counts. */
  ratios(samples: Samples): RatioResult[];
  /** What a reader must know. */
  readonly notes: readonly string[];
}
