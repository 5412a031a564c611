/**
 * Counting the pauses for garbage collection of a server on V8, out of the lines that `--trace-gc` makes it
 * print: of Deno with V8 15 and of Node.js with V8 11 as well.
 *
 * @module
 */

/** Pauses of a program, in nanoseconds; V8 tells them to 10 us. */
export interface Pauses {
  /** How many. */
  readonly count: number;
  /** All together. */
  readonly total: number;
  /** The longest one. */
  readonly longest: number;
}

/** No pause at all. */
export const NO_PAUSES: Pauses = { count: 0, total: 0, longest: 0 };

/**
 * `[PID:ISOLATE] 551 ms: Mark-Compact 133.0 (166.6) -> 56.2 (90.7) MB, 44.83 / 0.00 ms`, whatever the kind of
 * collection is called, and whatever else V8 tells of memory. The first of the two times is the whole pause.
 */
const COLLECTION = /\[\d+:0x[0-9a-f]+\]\s+\d+ ms: .+? -> .+? MB, ([\d.]+) \/ [\d.]+ ms/;
/** What was marked before, bit by bit: each step was a pause too. */
const STEPS = /\(\+ ([\d.]+) ms in (\d+) steps since start of marking, biggest step ([\d.]+) ms/;
const NS_PER_MS = 1_000_000;

/** Returns the pauses that a line of `--trace-gc` tells of; `undefined` if it is a line of another kind. */
export function parsePauses(line: string): Pauses | undefined {
  const collection = COLLECTION.exec(line);
  if (collection === null) return undefined;
  const pause = nanoseconds(collection[1]);
  const steps = STEPS.exec(line);
  return add(
    { count: 1, total: pause, longest: pause },
    steps === null
      ? NO_PAUSES
      : { count: Number(steps[2]), total: nanoseconds(steps[1]), longest: nanoseconds(steps[3]) },
  );
}

/** Collects the pauses out of the output of a program, as it comes in. */
export class PauseLog {
  readonly #pauses: Pauses[] = [];
  #unfinished = "";

  /** Takes the next piece of the output, which may end within a line. */
  write(text: string): void {
    const lines = (this.#unfinished + text).split("\n");
    this.#unfinished = lines.pop()!;
    for (const line of lines) {
      const pauses = parsePauses(line);
      if (pauses !== undefined) this.#pauses.push(pauses);
    }
  }

  /** How many lines told of pauses so far; a mark for {@linkcode since}. */
  get length(): number {
    return this.#pauses.length;
  }

  /** Returns the pauses after a mark. */
  since(mark: number): Pauses {
    return this.#pauses.slice(mark).reduce(add, NO_PAUSES);
  }
}

function add(one: Pauses, other: Pauses): Pauses {
  return {
    count: one.count + other.count,
    total: one.total + other.total,
    longest: Math.max(one.longest, other.longest),
  };
}

function nanoseconds(ms: string | undefined): number {
  return Math.round(Number(ms) * NS_PER_MS);
}
