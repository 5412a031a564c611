/**
 * The figures that count, as a table.
 *
 * @module
 */
import type { RatioResult } from "../latency/schema.ts";
import { table } from "./table.ts";

/** What stands over the cells of {@linkcode ratioRow}. */
export const RATIO_HEAD: readonly string[] = [
  ...["ratio", "median", "95 %", "spread", "rounds", "target", ""],
];

/** Returns the cells of a ratio; those of what it does not have are empty. */
export function ratioRow(ratio: RatioResult): string[] {
  const { label, median, low, high, min, max, rounds, atLeast, atMost, met } = ratio;
  const bounds = [
    ...(atLeast === undefined ? [] : [`≥ ${atLeast}`]),
    ...(atMost === undefined ? [] : [`≤ ${atMost}`]),
  ];
  return [
    label.replace(" / ", " ÷ "),
    fixed(median),
    low === undefined || high === undefined ? "" : `${fixed(low)}–${fixed(high)}`,
    `${fixed(min)}–${fixed(max)}`,
    String(rounds ?? ""),
    bounds.join(", "),
    met === undefined ? "" : met ? "met" : "MISSED",
  ];
}

/** Returns the ratios as a table, without columns that are empty. */
export function ratioTable(ratios: readonly RatioResult[]): string {
  const rows = ratios.map(ratioRow);
  const keep = (cells: readonly string[]) =>
    cells.filter((_, column) => rows.some((row) => row[column] !== ""));
  return table(keep(RATIO_HEAD), rows.map(keep));
}

/** In as many digits as it takes to see whether it meets a target. */
function fixed(value: number): string {
  return value.toFixed(Math.abs(value) < 0.1 ? 4 : Math.abs(value) < 10 ? 3 : 1);
}
