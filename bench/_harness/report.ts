/**
 * The figures that count, as a table.
 *
 * @module
 */
import type { Spread } from "./statistics.ts";
import { table } from "./table.ts";

/** A ratio, and what it should be. */
export interface Ratio extends Spread {
  /** Which is divided by which. */
  readonly label: string;
  /** Of how many rounds it is, where that differs from ratio to ratio. */
  readonly rounds?: number;
  /** The lower one of the bounds between which the median lies with a probability of 95 %, if they are known. */
  readonly low?: number;
  /** The upper one. */
  readonly high?: number;
  /** The target, if it is at most this. */
  readonly atMost?: number;
  /** The target, if it is at least this. */
  readonly atLeast?: number;
}

/** Whether the median meets the target, which may have two sides; `undefined` where there is none. */
export function meetsTarget(
  { median, atMost, atLeast }: Pick<Ratio, "median" | "atMost" | "atLeast">,
): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  return median <= (atMost ?? Infinity) && median >= (atLeast ?? -Infinity);
}

/** Returns the ratios as a table, the median over the rounds first. */
export function ratioTable(ratios: readonly Ratio[]): string {
  const hasBounds = ratios.some(({ low }) => low !== undefined);
  const hasRounds = ratios.some(({ rounds }) => rounds !== undefined);
  const figures = ratios.map(({ label, median, low, high, min, max, rounds }) => [
    label,
    fixed(median),
    ...(hasBounds ? [range(low, high)] : []),
    range(min, max),
    ...(hasRounds ? [String(rounds ?? "")] : []),
  ]);
  const columns = [
    ...["ratio", "median", ...(hasBounds ? ["95 %"] : []), "spread"],
    ...(hasRounds ? ["rounds"] : []),
  ];
  if (ratios.every((ratio) => meetsTarget(ratio) === undefined)) return table(columns, figures);
  const rows = figures.map((row, index) => [...row, ...verdict(ratios[index]!)]);
  return table([...columns, "target", ""], rows);
}

function verdict(ratio: Ratio): string[] {
  const met = meetsTarget(ratio);
  if (met === undefined) return [];
  const { atMost, atLeast } = ratio;
  const bounds = [
    ...(atLeast === undefined ? [] : [`>= ${atLeast}`]),
    ...(atMost === undefined ? [] : [`<= ${atMost}`]),
  ];
  return [bounds.join(", "), met ? "met" : "MISSED"];
}

function range(from: number | undefined, to: number | undefined): string {
  return from === undefined || to === undefined ? "" : `${fixed(from)}-${fixed(to)}`;
}

/** Returns a ratio in as many digits as it takes to see whether it meets a target. */
export function fixed(value: number): string {
  return value.toFixed(Math.abs(value) < 0.1 ? 4 : Math.abs(value) < 10 ? 3 : 1);
}
