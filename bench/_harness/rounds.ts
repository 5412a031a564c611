/**
 * Interleaved rounds: A B C A B C. What the machine does to one peer it then does to its neighbours
 * too, and a ratio within a round is worth more than either figure.
 *
 * @module
 */
import { calibrate, isOnePhase } from "./calibration.ts";
import type { Machine } from "./machine.ts";
import { Progress } from "./progress.ts";

/** One thing to measure in each round. */
export interface Step<T> {
  /** What tables call it. */
  readonly name: string;
  /** Measures it once; `round` counts from 0. */
  readonly measure: (round: number) => Promise<T>;
}

/** What the rounds brought. */
export interface Rounds<T> {
  /** The samples of each step in the order of the rounds that count. */
  readonly samples: ReadonlyMap<string, readonly T[]>;
  /** Every round that was made, with a sample of each step. */
  readonly history: readonly Round<T>[];
  /** The readings of the calibration, one before each step and one after the last. */
  readonly calibration: readonly number[];
  /** What became of rounds in which the phase changed, if there were such. */
  readonly notes: readonly string[];
}

/** How often, and until when. */
export interface RoundsOptions {
  /** Rounds to make. */
  readonly rounds: number;
  /**
   * Whether what is measured depends on where the host has put the cores. Then a round in which that
   * changed does not count and is made again, up to twice as many rounds in all.
   *
   * @default {true}
   */
  readonly phased?: boolean;
  /** Ends after a round when another one would take it past so many milliseconds. @default {Infinity} */
  readonly timeLimit?: number;
}

/** One round. */
export interface Round<T> {
  /** A sample of each step, in their order. */
  readonly samples: readonly T[];
  /** Whether the cores stayed where they were. */
  readonly steady: boolean;
}

/** Measures every step once in each round. */
export async function interleave<T>(
  machine: Machine,
  { rounds: wanted, phased = true, timeLimit = Infinity }: RoundsOptions,
  steps: readonly Step<T>[],
): Promise<Rounds<T>> {
  const progress = new Progress(wanted * steps.length);
  const calibration = [await calibrate(machine)];
  const rounds: Round<T>[] = [];
  const begin = performance.now();
  const isEnough = () => {
    const elapsed = performance.now() - begin;
    return rounds.filter(({ steady }) => steady).length === wanted ||
      rounds.length === 2 * wanted ||
      elapsed + elapsed / rounds.length > timeLimit;
  };
  try {
    do {
      const first = calibration.length - 1;
      const samples: T[] = [];
      for (const { name, measure } of steps) {
        progress.step(`round ${rounds.length + 1}: ${name}`);
        samples.push(await measure(rounds.length));
        calibration.push(await calibrate(machine));
      }
      const steady = !phased || isOnePhase(calibration.slice(first));
      rounds.push({ samples, steady });
      if (!steady && rounds.length < wanted * 2) progress.extend(steps.length);
    } while (!isEnough());
  } finally {
    progress.done();
  }
  const { kept, notes } = chooseRounds(rounds);
  const columns = steps.map(({ name }, step) =>
    [name, kept.map(({ samples }) => samples[step]!)] as const
  );
  return { samples: new Map(columns), history: rounds, calibration, notes };
}

/** Keeps the steady rounds; if there is none, all, with a warning. */
export function chooseRounds<R extends { readonly steady: boolean }>(
  rounds: readonly R[],
): { kept: readonly R[]; notes: readonly string[] } {
  const kept = rounds.filter(({ steady }) => steady);
  const dropped = rounds.length - kept.length;
  if (dropped === 0) return { kept, notes: [] };
  if (kept.length === 0) {
    const note = "The host moved the cores in EVERY round: these ratios mix phases, run it again";
    return { kept: rounds, notes: [note] };
  }
  const note =
    `The host moved the cores in ${dropped} of ${rounds.length} rounds, which were dropped`;
  return { kept, notes: [note] };
}
