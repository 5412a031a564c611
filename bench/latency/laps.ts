/**
 * The rounds of a workload: every part of it on everybody, in turn, until there are enough that count.
 *
 * @module
 */
import type { Reading } from "../_harness/calibration.ts";
import type { Machine } from "../_harness/machine.ts";
import { Progress } from "../_harness/progress.ts";
import { Interleaving, type Round, steady } from "../_harness/rounds.ts";
import { Seat } from "./seat.ts";
import type { Subject } from "./subjects.ts";
import type { Effort, Measurement, Part, Workload } from "./workload.ts";

/** One part, measured on everybody once. */
export interface Lap extends Round<Measurement[]> {
  /** The part. */
  readonly part: Part;
  /** The round, from 0. */
  readonly round: number;
  /** Whether the cores stayed where they were, and where they were most of the time. */
  readonly steady: boolean;
}

/** What is to be measured. */
export interface LapOptions {
  /** The workload. */
  readonly workload: Workload;
  /** Who takes part. */
  readonly subjects: readonly Subject[];
  /** How much to do. */
  readonly effort: Effort;
}

/** All laps, and the calibration in the order of time. */
export interface Laps {
  /** See {@linkcode Lap}. */
  readonly laps: readonly Lap[];
  /** How many times the servers were started, of those that live for more than a turn. */
  readonly sets: number;
  /** Before each measurement and after the last. */
  readonly calibration: readonly Reading[];
}

/**
 * Makes laps. A part that has not enough of them that count when all rounds were made gets up to as many again.
 *
 * @throws {BenchmarkError} If a server gave a wrong answer, or died.
 */
export async function makeLaps(
  machine: Machine,
  { workload, subjects, effort }: LapOptions,
): Promise<Laps> {
  const { parts, phases } = workload;
  const wanted = workload.rounds(effort);
  const roundsOfServers = Math.ceil(wanted / effort.fresh);
  const progress = new Progress(wanted * parts.length * subjects.length);
  const interleaving = new Interleaving(machine);
  let laps: readonly Lap[] = [];
  const lacks = (part: Part) =>
    laps.filter((lap) => lap.part === part && lap.steady).length < wanted;
  let seats: Seat[] = [];
  let sets = 0;
  try {
    for (let round = 0; round < 2 * wanted; round++) {
      const missing = parts.filter(lacks);
      if (missing.length === 0) break;
      if (round >= wanted) progress.extend(missing.length * subjects.length);
      if (round % roundsOfServers === 0) {
        await leave(seats);
        seats = [];
        sets++;
        for (const subject of subjects) {
          seats.push(await Seat.take({ machine, workload, effort, subject }, round));
        }
        await interleaving.calibrate();
      }
      // In a fixed order, what a server gains or loses as it ages would be taken for the cost of a part.
      for (const part of round % 2 === 0 ? missing : missing.toReversed()) {
        const steps = subjects.map(({ name }, index) => ({
          name: [workload.id, part.name, name].filter(Boolean).join(": "),
          measure: () => seats[index]!.turn(part, round),
        }));
        const { samples, calibration } = await interleaving.round(steps, round, progress);
        laps = steady([...laps, { samples, calibration, part, round }], phases);
      }
    }
  } finally {
    progress.done();
    await leave(seats);
  }
  return { laps, sets, calibration: interleaving.calibration };
}

async function leave(seats: readonly Seat[]): Promise<void> {
  for (const seat of seats) await seat[Symbol.asyncDispose]();
}
