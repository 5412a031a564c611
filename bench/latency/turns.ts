/**
 * The turns of a workload: every part of it on every server, round after round, until there are enough that count.
 *
 * @module
 */
import {
  calibrate,
  commonPhase,
  describeReading,
  isOf,
  isOnePhase,
  levelOf,
  type Phase,
  type Reading,
  type Sensitivity,
} from "../_harness/calibration.ts";
import type { Machine } from "../_harness/machine.ts";
import { Progress } from "../_harness/progress.ts";
import { Samples } from "./samples.ts";
import type { RatioResult, Sample } from "./schema.ts";
import { Seat } from "./seat.ts";
import type { Subject } from "./subjects.ts";
import type { Effort, Measurement, Part, Workload } from "./workload.ts";

/** What is to be measured. */
export interface TurnsOptions {
  /** Where. */
  readonly machine: Machine;
  /** The workload. */
  readonly workload: Workload;
  /** Who takes part. */
  readonly subjects: readonly Subject[];
  /** How much to do. */
  readonly effort: Effort;
  /** Makes a reading. @default {calibrate} */
  readonly calibrate?: (machine: Machine) => Promise<Reading>;
}

/** One part, measured on one server. */
interface Turn {
  readonly part: Part;
  readonly subject: Subject;
  readonly round: number;
  readonly measurements: readonly Measurement[];
  /** The calibration before and after; `undefined` if it moved. */
  readonly level: Reading | undefined;
}

/** What the turns brought. */
export interface Results {
  /** What was measured. */
  readonly samples: readonly Sample[];
  /** Rounds made. */
  readonly rounds: number;
  /** Turns made. */
  readonly turns: number;
  /** Those that count. */
  readonly steady: number;
  /** How many times the servers were started, of those that live for more than a turn. */
  readonly sets: number;
  /** Each reading, in the order of time. */
  readonly calibration: readonly Reading[];
}

/** How many times as many rounds as were wanted there are at most, and where the ratios are to be precise. */
const PATIENCE = { common: 2, precise: 4 };
/** A turn in which the machine moved is taken again at once, so often. */
const ATTEMPTS = 3;
/** In each round as many readings are made at most to wait for the machine to come back, for each server. */
const READINGS_TO_WAIT = 5;
/** Whether the ratios are precise is asked after so many rounds: the answer takes a tenth of a second. */
const ROUNDS_TO_JUDGE = 10;

/**
 * Takes turns until each part on each server has enough of them that count, and the ratios are known well enough.
 *
 * @throws {BenchmarkError} If a server gave a wrong answer, or died.
 */
export async function takeTurns(options: TurnsOptions): Promise<Results> {
  const turns = new Turns(options);
  try {
    while (!turns.areEnough()) await turns.round();
  } finally {
    await turns.end();
  }
  return turns.results();
}

class Turns {
  readonly #options: TurnsOptions;
  readonly #wanted: number;
  readonly #phases: Sensitivity | "none";
  readonly #progress: Progress;
  readonly #turns: Turn[] = [];
  readonly #calibration: Reading[] = [];
  #seats: Seat[] = [];
  #sets = 0;
  #round = 0;
  /** How many more readings may be made in this round to wait for the machine. */
  #readingsLeft = 0;
  /** The phase that most turns were of so far. */
  #phase: Phase | undefined;

  constructor(options: TurnsOptions) {
    const { workload, effort, subjects } = options;
    this.#options = options;
    this.#wanted = workload.rounds(effort);
    this.#phases = workload.phases ?? "coarse";
    this.#progress = new Progress(this.#wanted * workload.parts.length * subjects.length);
  }

  areEnough(): boolean {
    const { workload: { parts }, effort: { precision } } = this.#options;
    const isToBePrecise = precision !== undefined && this.#phases === "fine";
    const { common, precise } = PATIENCE;
    if (this.#round >= (isToBePrecise ? precise : common) * this.#wanted) return true;
    if (parts.some((part) => this.#lacks(part))) return false;
    if (!isToBePrecise) return true;
    return this.#round % ROUNDS_TO_JUDGE === 0 &&
      this.#ratios().every((ratio) => isWithin(ratio, precision));
  }

  /** Every part that has not enough turns, or every part if all have, on every server, in turn. */
  async round(): Promise<void> {
    const { workload: { id, ...workload }, subjects, effort } = this.#options;
    // More rounds than were wanted do not make servers be started that were to be started once.
    const isOver = effort.fresh > 1 && this.#round % Math.ceil(this.#wanted / effort.fresh) === 0;
    if (this.#round === 0 || isOver) await this.#start();
    this.#readingsLeft = READINGS_TO_WAIT * subjects.length;
    const missing = workload.parts.filter((part) => this.#lacks(part));
    const parts = missing.length === 0 ? workload.parts : missing;
    // In a fixed order, what a server gains or loses as it ages would be taken for the cost of a part.
    for (const part of this.#round % 2 === 0 ? parts : parts.toReversed()) {
      if (this.#round >= this.#wanted) this.#progress.extend(subjects.length);
      for (const [index, subject] of subjects.entries()) {
        this.#progress.step(
          `round ${this.#round + 1}, at ${describeReading(this.#calibration.at(-1)!)}: ` +
            [id, part.name, subject.name].filter(Boolean).join(": "),
        );
        await this.#turn(part, subject, this.#seats[index]!);
      }
    }
    this.#round++;
    if (this.#phases !== "none") {
      this.#phase = commonPhase([this.#turns.map(({ level }) => level)], this.#phases);
    }
  }

  async end(): Promise<void> {
    this.#progress.done();
    for (const seat of this.#seats.splice(0)) await seat[Symbol.asyncDispose]();
  }

  results(): Results {
    return {
      samples: this.#samples(),
      rounds: this.#round,
      turns: this.#turns.length,
      steady: this.#turns.filter((turn) => this.#counts(turn)).length,
      sets: this.#sets,
      calibration: this.#calibration,
    };
  }

  /** Starts all servers afresh. */
  async #start(): Promise<void> {
    const { machine, workload, effort, subjects } = this.#options;
    for (const seat of this.#seats.splice(0)) await seat[Symbol.asyncDispose]();
    for (const subject of subjects) {
      this.#seats.push(await Seat.take({ machine, workload, effort, subject }, this.#round));
    }
    this.#sets++;
    await this.#calibrate();
  }

  /** Measures a part on a server, and again if the machine moved meanwhile and came back. */
  async #turn(part: Part, subject: Subject, seat: Seat): Promise<void> {
    const round = this.#round;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      while (!this.#isInPhase() && this.#readingsLeft-- > 0) await this.#calibrate();
      if (attempt > 0 && !this.#isInPhase()) return;
      const before = this.#calibration.at(-1)!;
      const measurements = await seat.turn(part, round);
      await this.#calibrate();
      const readings = [before, this.#calibration.at(-1)!];
      const isCalm = this.#phases !== "none" && isOnePhase(readings, this.#phases);
      const turn = {
        ...{ part, subject, round, measurements },
        level: isCalm ? levelOf(readings) : undefined,
      };
      this.#turns.push(turn);
      if (this.#phase === undefined || this.#counts(turn)) return;
    }
  }

  async #calibrate(): Promise<void> {
    const { machine, calibrate: read = calibrate } = this.#options;
    this.#calibration.push(await read(machine));
  }

  /** Whether the machine is where it was most of the time, as far as is known. */
  #isInPhase(): boolean {
    return this.#phase === undefined || isOf(this.#calibration.at(-1), this.#phase);
  }

  #counts({ level }: Turn): boolean {
    return this.#phases === "none" || (this.#phase !== undefined && isOf(level, this.#phase));
  }

  #lacks(part: Part): boolean {
    return this.#options.subjects.some((subject) => {
      const turns = this.#turns.filter((turn) =>
        turn.part === part && turn.subject === subject && this.#counts(turn)
      );
      return turns.length < this.#wanted;
    });
  }

  #ratios(): RatioResult[] {
    const { workload, subjects } = this.#options;
    return workload.ratios(new Samples(subjects, this.#samples()));
  }

  #samples(): Sample[] {
    return this.#turns.flatMap((turn) =>
      turn.measurements.map((measurement): Sample => ({
        subject: turn.subject.name,
        round: turn.round,
        steady: this.#counts(turn),
        ...(turn.level === undefined ? {} : { phase: turn.level }),
        ...measurement,
      }))
    );
  }
}

/** Whether a ratio is known to a share of itself. */
function isWithin({ median, low, high }: RatioResult, precision: number): boolean {
  return low !== undefined && high !== undefined && high - low <= 2 * precision * median;
}
