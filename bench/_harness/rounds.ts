/**
 * Interleaved rounds: A B C A B C. What the machine does to one peer it then does to its neighbours
 * too, and a ratio within a round is worth more than either figure.
 *
 * @module
 */
import { calibrate, describeReading, type Reading } from "./calibration.ts";
import { areInCommonPhase, type Sensitivity } from "./phase.ts";
import type { Machine } from "./machine.ts";
import { Progress } from "./progress.ts";

/** One thing to measure in each round. */
export interface Step<T> {
  /** What tables call it. */
  readonly name: string;
  /** Measures it once; `round` counts from 0. */
  readonly measure: (round: number) => Promise<T>;
}

/** What one round brought. */
interface Round<T> {
  /** A sample of each step, in their order. */
  readonly samples: readonly T[];
  /** The calibration before, between and after them. */
  readonly calibration: readonly Reading[];
}

/** What the rounds brought. */
export interface Rounds<T> {
  /** The samples of each step in the order of the rounds that count. */
  readonly samples: ReadonlyMap<string, readonly T[]>;
  /** How many rounds were made, with those that do not count. */
  readonly made: number;
  /** The readings of the calibration, one before each step and one after the last. */
  readonly calibration: readonly Reading[];
  /** What became of rounds that do not count, if there were such. */
  readonly notes: readonly string[];
}

/** How often, and until when. */
export interface RoundsOptions {
  /** Rounds to make; up to twice as many in all, if some do not count. */
  readonly rounds: number;
  /**
   * Which phases are told apart, of which only one counts; or none, where what is measured does not depend on them.
   *
   * @default {"coarse"}
   */
  readonly phases?: Sensitivity | "none";
  /** Ends after a round when another one would take it past so many milliseconds. @default {Infinity} */
  readonly timeLimit?: number;
  /** Makes a reading. @default {calibrate} */
  readonly calibrate?: (machine: Machine) => Promise<Reading>;
}

/** Measures every step once in each round. */
export async function interleave<T>(
  machine: Machine,
  { rounds: wanted, phases = "coarse", timeLimit = Infinity, calibrate: read = calibrate }:
    RoundsOptions,
  steps: readonly Step<T>[],
): Promise<Rounds<T>> {
  const progress = new Progress(wanted * steps.length);
  const calibration = [await read(machine)];
  const rounds: Round<T>[] = [];
  const begin = performance.now();
  /** Measures every step once. */
  const makeRound = async (round: number): Promise<Round<T>> => {
    const before = calibration.length - 1;
    const samples: T[] = [];
    for (const { name, measure } of steps) {
      progress.step(`round ${round + 1}, at ${describeReading(calibration.at(-1)!)}: ${name}`);
      samples.push(await measure(round));
      calibration.push(await read(machine));
    }
    return { samples, calibration: calibration.slice(before) };
  };
  const isEnough = () => {
    const elapsed = performance.now() - begin;
    return judgeRounds(rounds, phases).filter(({ steady }) => steady).length >= wanted ||
      rounds.length === 2 * wanted ||
      elapsed + elapsed / rounds.length > timeLimit;
  };
  try {
    do {
      if (rounds.length >= wanted) progress.extend(steps.length);
      rounds.push(await makeRound(rounds.length));
    } while (!isEnough());
  } finally {
    progress.done();
  }
  const judged = judgeRounds(rounds, phases);
  const kept = keepSteady(judged);
  const notes = remarksOnDropped(
    "rounds",
    judged.filter(({ steady }) => steady).length,
    judged.length,
  );
  const columns = steps.map(({ name }, step) =>
    [name, kept.map(({ samples }) => samples[step]!)] as const
  );
  return { samples: new Map(columns), made: rounds.length, calibration, notes };
}

/** Says of each round whether it is steady: of one phase, and of the one that counts. All are, if there are no phases. */
export function judgeRounds<R extends { readonly calibration: readonly Reading[] }>(
  rounds: readonly R[],
  phases: Sensitivity | "none",
): (R & { readonly steady: boolean })[] {
  if (phases === "none") return rounds.map((round) => ({ ...round, steady: true }));
  const steady = areInCommonPhase(rounds.map(({ calibration }) => calibration), phases);
  return rounds.map((round, index) => ({ ...round, steady: steady[index]! }));
}

/** Keeps what is steady; if nothing is, all. */
export function keepSteady<T extends { readonly steady: boolean }>(
  all: readonly T[],
): readonly T[] {
  const kept = all.filter(({ steady }) => steady);
  return kept.length === 0 ? all : kept;
}

/** Says what became of rounds or turns that do not count; nothing, if all do. */
export function remarksOnDropped(what: string, counting: number, made: number): string[] {
  if (counting === made) return [];
  if (counting === 0) {
    return [
      `The calibration moved in EVERY one of the ${what}: these ratios mix phases, run it again`,
    ];
  }
  return [
    `In ${made - counting} of ${made} ${what} the calibration moved, or was of another phase; ` +
    "these were dropped",
  ];
}
