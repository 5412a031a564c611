/**
 * Workloads: what can be asked of a server, and what of the answers counts.
 *
 * @module
 */
import type { Sensitivity } from "../_harness/phase.ts";
import type { Machine } from "../_harness/machine.ts";
import type { Server, ServerCommand } from "../_harness/server.ts";
import type { Samples } from "./samples.ts";
import type { Parameter, RatioResult, Sample } from "./schema.ts";
import type { Protocol, Subject } from "./subjects.ts";

/** How much to do in one measurement; the plans differ in this. */
export interface Effort {
  /** Rounds that are to count, of a workload whose turns are short: a tenth of a second for each server. */
  readonly rounds: number;
  /** The same of a workload that has many parts, or long ones. */
  readonly sweepRounds: number;
  /** How many times all servers are started afresh, spread over those rounds. */
  readonly fresh: number;
  /** Operations in a closed loop that a short round makes with each server. */
  readonly operations: number;
  /**
   * To what share of itself each ratio that has a target is to be known, with a probability of 95 %, where phases are
   * fine: there are up to twice as many rounds until then.
   */
  readonly precision?: number;
  /** Milliseconds for each part of a sweep. */
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
  /** The round, from 0: a part that measures several things turns their order round in every other one. */
  readonly round: number;
}

/** What one measurement brought. */
export type Measurement = Omit<Sample, "subject" | "round" | "steady" | "phase">;

/** What is measured on one server after the other, within seconds, and again if the machine did not stand still. */
export interface Part {
  /** What progress calls it; empty where there is no other. */
  readonly name: string;
  /** Measures a server that is warm. */
  measure(trial: Trial): Promise<Measurement[]>;
}

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
  /** The idle policies of ours, unless others are asked for. @default {["adaptive"]} */
  readonly idle?: readonly string[];
  /** What varies within a trial. */
  readonly parameter?: Parameter;
  /** Whether it takes many connections at once. @default {false} */
  readonly many?: boolean;
  /** Where its client has to be: on the kernel's sockets, or even on its loopback. Anywhere if not given. */
  readonly client?: "kernel" | "loopback";
  /**
   * Which phases of the machine are told apart, of which only one counts: turns in another one are taken again. The
   * finer, the shorter turns have to be to find the machine standing still.
   *
   * @default {"coarse"}
   */
  readonly phases?: Sensitivity | "none";
  /** Whether servers are started afresh for each round. @default {false} */
  readonly fresh?: boolean;
  /** What has to be changed of how a server is started. */
  readonly prepare?: (command: ServerCommand) => ServerCommand;
  /** A program that has to be on `PATH`. */
  readonly needs?: string;
  /** How many rounds. @default those of a sweep */
  rounds?(effort: Effort): number;
  /** What one round does to each server, in words. */
  describe(effort: Effort): string;
  /** What each round measures. */
  readonly parts: readonly Part[];
  /** More warming up, where that for the protocol is not enough. */
  warmUp?(trial: Trial): Promise<void>;
  /** What counts. */
  ratios(samples: Samples): RatioResult[];
  /** What a reader must know. */
  readonly notes: readonly string[];
}

/** Returns the rounds of a workload of which one takes as long as so many of an echo. */
export function oneRoundIn(echoes: number): (effort: Effort) => number {
  return ({ rounds }) => Math.ceil(rounds / echoes);
}

/** How many rounds are wanted of a workload. */
export function roundsOf({ rounds }: Workload, effort: Effort): number {
  return rounds?.(effort) ?? effort.sweepRounds;
}
