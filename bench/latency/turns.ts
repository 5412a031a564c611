/**
 * The turns of a workload: every part of it on every server, round after round, until enough of them count.
 *
 * @module
 */
import { calibrate, describeReading, type Reading } from "../_harness/calibration.ts";
import {
  commonPhase,
  isOf,
  levelOfOnePhase,
  type Phase,
  type Sensitivity,
} from "../_harness/phase.ts";
import type { Machine } from "../_harness/machine.ts";
import { Progress } from "../_harness/progress.ts";
import { Samples } from "./samples.ts";
import type { RatioResult, Sample } from "./schema.ts";
import { Seat } from "./seat.ts";
import type { Subject } from "./subjects.ts";
import { type Effort, type Measurement, type Part, roundsOf, type Workload } from "./workload.ts";

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
  readonly calibrate?: ((machine: Machine) => Promise<Reading>) | undefined;
}

/** One part, measured on one server. */
interface Turn {
  readonly part: Part;
  readonly subject: Subject;
  readonly round: number;
  readonly measurements: readonly Measurement[];
  /** The calibration before and after it; `undefined` if that moved, or if there are no phases. */
  readonly level: Reading | undefined;
}

/** What the turns brought. */
export interface TurnsResult {
  /** What was measured. */
  readonly samples: readonly Sample[];
  /** Rounds made; in the last ones, not every part may have been measured. */
  readonly rounds: number;
  /** Turns in the samples. */
  readonly turns: number;
  /** Those of them that count. */
  readonly counting: number;
  /** Turns that are not in the samples, since they were taken again. */
  readonly retaken: number;
  /** How many times the servers were started, of those that live for more than a turn. */
  readonly starts: number;
  /** Each reading, in the order of time. */
  readonly calibration: readonly Reading[];
}

/** There are at most so many times the rounds that were wanted. */
const MOST_ROUNDS = 2;
/** How often a turn is taken at most, until the machine stands still in it: a fine one is short. */
const ATTEMPTS = { fine: 3, coarse: 2 };
/** How many readings are made before a turn while the machine is not back: one takes less than a turn in vain. */
const READINGS_TO_WAIT = 50;
/** By how much a reading may be lower than a phase, and is of it all the same. */
const SCATTER = 0.05;

/**
 * Takes turns until each part has enough of them that count, and the ratios are known well enough.
 *
 * @throws {BenchmarkError} If a server gave a wrong answer, or died.
 */
export async function takeTurns(options: TurnsOptions): Promise<TurnsResult> {
  await using turns = new Turns(options);
  while (!turns.areEnough()) await turns.round();
  return turns.result();
}

class Turns implements AsyncDisposable {
  readonly #options: TurnsOptions;
  readonly #wanted: number;
  /** For how many rounds a server lives. */
  readonly #life: number;
  readonly #phases: Sensitivity | "none";
  readonly #progress: Progress;
  readonly #turns: Turn[] = [];
  /** Those of all turns, the ones that were taken again as well. */
  readonly #levels: (Reading | undefined)[] = [];
  readonly #calibration: Reading[] = [];
  #seats: readonly Seat[] = [];
  #starting = new AsyncDisposableStack();
  #starts = 0;
  #round = 0;
  #retaken = 0;
  /** The phase that counts, as far as the turns up to now tell. */
  #phase: Phase | undefined;
  /** The machine was waited for in vain, and has not been back since. */
  #isAway = false;

  constructor(options: TurnsOptions) {
    const { workload, effort, subjects } = options;
    this.#options = options;
    this.#wanted = roundsOf(workload, effort);
    this.#life = workload.fresh ? 1 : Math.ceil(this.#wanted / effort.fresh);
    this.#phases = workload.phases ?? "coarse";
    this.#progress = new Progress(this.#wanted * workload.parts.length * subjects.length);
  }

  areEnough(): boolean {
    const { workload: { parts }, effort: { precision } } = this.#options;
    if (this.#round >= MOST_ROUNDS * this.#wanted) return true;
    if (parts.some((part) => this.#lacks(part))) return false;
    if (precision === undefined || this.#phases !== "fine") return true;
    // Not in every round, since the answer takes up to a second.
    return this.#round % this.#life === 0 &&
      this.#goals().every((ratio) => isKnownTo(ratio, precision));
  }

  /** Every part that has not enough turns, or every part if all have, on every server, in turn. */
  async round(): Promise<void> {
    const { workload, subjects, effort: { fresh } } = this.#options;
    // More rounds than were wanted do not make servers be started that were to be started once.
    const isOver = (fresh > 1 || workload.fresh) && this.#round % this.#life === 0;
    if (this.#round === 0 || isOver) await this.#start();
    const missing = workload.parts.filter((part) => this.#lacks(part));
    const parts = missing.length === 0 ? workload.parts : missing;
    // In a fixed order, what a server gains or loses as it ages would be taken for the cost of a part.
    for (const part of this.#round % 2 === 0 ? parts : parts.toReversed()) {
      if (this.#round >= this.#wanted) this.#progress.extend(subjects.length);
      for (const [index, subject] of subjects.entries()) {
        await this.#turn(part, subject, this.#seats[index]!);
      }
    }
    this.#round++;
    if (this.#phases !== "none") this.#phase = commonPhase([this.#levels], this.#phases);
  }

  result(): TurnsResult {
    return {
      samples: this.#samples(),
      rounds: this.#round,
      turns: this.#turns.length,
      counting: this.#turns.filter((turn) => this.#counts(turn)).length,
      retaken: this.#retaken,
      starts: this.#starts,
      calibration: this.#calibration,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#progress.done();
    await this.#starting.disposeAsync();
  }

  /** Starts all servers afresh. */
  async #start(): Promise<void> {
    const { machine, workload, effort, subjects } = this.#options;
    await this.#starting.disposeAsync();
    this.#starting = new AsyncDisposableStack();
    const seats: Seat[] = [];
    for (const subject of subjects) {
      const seat = await Seat.take({ machine, workload, effort, subject }, this.#round);
      seats.push(this.#starting.use(seat));
    }
    this.#seats = seats;
    this.#starts++;
    await this.#calibrate();
  }

  /** Measures a part on a server, and again if the machine moved meanwhile and came back. */
  async #turn(part: Part, subject: Subject, seat: Seat): Promise<void> {
    const { workload } = this.#options;
    const round = this.#round;
    await this.#waitForMachine();
    this.#progress.step(
      `round ${round + 1}, at ${describeReading(this.#calibration.at(-1)!)}: ` +
        [workload.id, part.name, subject.name].filter(Boolean).join(": "),
    );
    for (let attempt = 1;; attempt++) {
      const before = this.#calibration.at(-1)!;
      const measurements = await seat.turn(part, round);
      const after = await this.#calibrate();
      const level = this.#phases === "none"
        ? undefined
        : levelOfOnePhase([before, after], this.#phases);
      const turn = { part, subject, round, measurements, level };
      this.#turns.push(turn);
      if (this.#phases === "none") return;
      this.#levels.push(level);
      if (this.#counts(turn)) return;
      this.#phase = commonPhase([this.#levels], this.#phases);
      if (this.#counts(turn) || attempt === ATTEMPTS[this.#phases]) return;
      await this.#waitForMachine();
      if (this.#isAway) return;
      this.#turns.pop();
      this.#retaken++;
    }
  }

  /** Waits until the machine is in the phase that counts; not for long, nor again before it was there. */
  async #waitForMachine(): Promise<void> {
    const isBack = () =>
      this.#phase === undefined || isOf(this.#calibration.at(-1), this.#phase, SCATTER);
    for (let made = 0; !this.#isAway && !isBack() && made < READINGS_TO_WAIT; made++) {
      await this.#calibrate();
    }
    this.#isAway = !isBack();
  }

  async #calibrate(): Promise<Reading> {
    const { machine, calibrate: read = calibrate } = this.#options;
    const reading = await read(machine);
    this.#calibration.push(reading);
    return reading;
  }

  #counts({ level }: Turn): boolean {
    return this.#phases === "none" || (this.#phase !== undefined && isOf(level, this.#phase));
  }

  /** Whether two servers have fewer rounds in common, in which both have a turn that counts, than were wanted. */
  #lacks(part: Part): boolean {
    const rounds = this.#options.subjects.map((subject) =>
      new Set(
        this.#turns.filter((turn) =>
          turn.part === part && turn.subject === subject && this.#counts(turn)
        ).map(({ round }) => round),
      )
    );
    return rounds.some((one) =>
      rounds.some((other) => one.intersection(other).size < this.#wanted)
    );
  }

  /** The ratios that have a target. */
  #goals(): RatioResult[] {
    const { workload, subjects } = this.#options;
    const ratios = workload.ratios(new Samples(subjects, this.#samples()));
    return ratios.filter(({ met }) => met !== undefined);
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

/** Whether a ratio is known to a share of itself, as far as the rounds tell. */
function isKnownTo({ median, low, high }: RatioResult, precision: number): boolean {
  if (low === undefined || high === undefined) return false;
  return Math.max(high - median, median - low) <= precision * median;
}
