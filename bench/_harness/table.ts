/**
 * Plain-text tables.
 *
 * @module
 */

/** Returns a table: the first column to the left, the others, which hold figures, to the right. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => (row[index] ?? "").length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) =>
      index === 0 ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!)
    ).join("  ").trimEnd();
  const rule = widths.map((width) => "-".repeat(width));
  return [line(columns), line(rule), ...rows.map(line)].join("\n");
}

/** Returns nanoseconds as microseconds, in three or more significant digits. */
export function microseconds(ns: number): string {
  const us = ns / 1000;
  return us.toFixed(us < 10 ? 2 : us < 100 ? 1 : 0);
}
