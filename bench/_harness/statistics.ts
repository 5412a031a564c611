/**
 * The few statistics that the benchmarks report.
 *
 * @module
 */

/** A figure over several rounds. */
export interface Spread {
  /** The middle one. */
  readonly median: number;
  /** The lowest. */
  readonly min: number;
  /** The highest. */
  readonly max: number;
}

/**
 * Returns the value below which the share `q` of `values` lies, interpolated between neighbours.
 *
 * @throws {RangeError} If there are no values.
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError("Cannot take a quantile: there are no values");
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

/** Returns the arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Returns the mean of the values but for the lowest and the highest tenth, since one that the machine spoiled is no
 * more worth than another.
 */
export function trimmedMean(values: readonly number[]): number {
  const tenth = Math.floor(values.length / 10);
  return mean(values.toSorted((a, b) => a - b).slice(tenth, values.length - tenth));
}

/** Returns the median and the extremes. */
export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), min: quantile(values, 0), max: quantile(values, 1) };
}

/** How many times {@linkcode confidence} draws: its bounds are right to some percent of their distance. */
const DRAWS = 400;

/** With fewer rounds even the extremes are no bounds of 95 %: 1 - 2 / 2^n. */
const LEAST_ROUNDS = 6;

/**
 * Returns the bounds between which a figure of rounds lies with a probability of 95 %, by drawing as many rounds as
 * there are, with replacement, many times (the percentile bootstrap of Efron). The same rounds give the same bounds.
 * There are none for less than six rounds.
 *
 * @param rounds How many rounds there are.
 * @param figure The figure of the rounds with these indices.
 */
export function confidence(
  rounds: number,
  figure: (indices: readonly number[]) => number,
): { low: number; high: number } | undefined {
  if (rounds < LEAST_ROUNDS) return undefined;
  let state = 1;
  // The "minimal standard" of Park and Miller: good enough to draw by, and the same on every run.
  const draw = () => (state = state * 48_271 % 0x7fffffff) % rounds;
  const figures = Array.from(
    { length: DRAWS },
    () => figure(Array.from({ length: rounds }, draw)),
  );
  return { low: quantile(figures, 0.025), high: quantile(figures, 0.975) };
}
