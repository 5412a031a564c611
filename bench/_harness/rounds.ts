/**
 * Interleaved rounds: A B C A B C. What the machine does to one peer it then does to its neighbours
 * too, and a ratio within a round is worth more than either figure.
 *
 * @module
 */
import {
  areInCommonPhase,
  calibrate,
  describeReading,
  type Reading,
  type Sensitivity,
} from "./calibration.ts";
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
export interface Round<T> {
  /** A sample of each step, in their order. */
  readonly samples: readonly T[];
  /** The calibration before, between and after them. */
  readonly calibration: readonly Reading[];
}

/** Makes rounds. The calibration after one is that before the next. */
export class Interleaving {
  /** All readings, in the order of time. */
  readonly calibration: Reading[] = [];
  readonly #machine: Machine;

  /** Makes no round yet. */
  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Makes a reading before the next round, where the last one was long ago. */
  async calibrate(): Promise<void> {
    this.calibration.push(await calibrate(this.#machine));
  }

  /** Measures every step once. */
  async round<T>(steps: readonly Step<T>[], round: number, progress: Progress): Promise<Round<T>> {
    const { calibration } = this;
    if (calibration.length === 0) await this.calibrate();
    const before = calibration.length - 1;
    const samples: T[] = [];
    for (const { name, measure } of steps) {
      progress.step(`round ${round + 1}, at ${describeReading(calibration.at(-1)!)}: ${name}`);
      samples.push(await measure(round));
      await this.calibrate();
    }
    return { samples, calibration: calibration.slice(before) };
  }
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
}

/** Measures every step once in each round. */
export async function interleave<T>(
  machine: Machine,
  { rounds: wanted, phases = "coarse", timeLimit = Infinity }: RoundsOptions,
  steps: readonly Step<T>[],
): Promise<Rounds<T>> {
  const progress = new Progress(wanted * steps.length);
  const interleaving = new Interleaving(machine);
  const rounds: Round<T>[] = [];
  const begin = performance.now();
  const isEnough = () => {
    const elapsed = performance.now() - begin;
    return steady(rounds, phases).filter(({ steady }) => steady).length >= wanted ||
      rounds.length === 2 * wanted ||
      elapsed + elapsed / rounds.length > timeLimit;
  };
  try {
    do {
      if (rounds.length >= wanted) progress.extend(steps.length);
      rounds.push(await interleaving.round(steps, rounds.length, progress));
    } while (!isEnough());
  } finally {
    progress.done();
  }
  const { kept, notes } = chooseRounds(steady(rounds, phases));
  const columns = steps.map(({ name }, step) =>
    [name, kept.map(({ samples }) => samples[step]!)] as const
  );
  return {
    samples: new Map(columns),
    made: rounds.length,
    calibration: interleaving.calibration,
    notes,
  };
}

/** Says of each round whether it is steady: of one phase, and of that of most rounds. All are, if there are no phases. */
export function steady<R extends Pick<Round<unknown>, "calibration">>(
  rounds: readonly R[],
  phases: Sensitivity | "none" = "coarse",
): (R & { readonly steady: boolean })[] {
  if (phases === "none") return rounds.map((round) => ({ ...round, steady: true }));
  const steady = areInCommonPhase(rounds.map(({ calibration }) => calibration), phases);
  return rounds.map((round, index) => ({ ...round, steady: steady[index]! }));
}

/** Keeps the steady rounds; if there is none, all, with a warning. */
export function chooseRounds<R extends { readonly steady: boolean }>(
  rounds: readonly R[],
): { kept: readonly R[]; notes: readonly string[] } {
  const kept = rounds.filter(({ steady }) => steady);
  const dropped = rounds.length - kept.length;
  if (dropped === 0) return { kept, notes: [] };
  if (kept.length === 0) {
    const note = "The calibration moved in EVERY round: these ratios mix phases, run it again";
    return { kept: rounds, notes: [note] };
  }
  const note =
    `In ${dropped} of ${rounds.length} rounds the calibration moved, or was another than in ` +
    "most; these were dropped";
  return { kept, notes: [note] };
}
