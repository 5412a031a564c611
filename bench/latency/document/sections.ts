/**
 * Sections of the document that other programs measured: our own costs by `deno bench`, and what prints text of its
 * own.
 *
 * @module
 */
import { markdownTable } from "./document.ts";

/** What `deno bench --json` prints, as far as it is shown. */
export interface BenchResults {
  /** Each bench with its results, of which there is one. */
  readonly benches: readonly {
    readonly group: string | null;
    readonly name: string;
    readonly results: readonly { readonly ok?: { readonly avg: number; readonly min: number } }[];
  }[];
}

/** Returns the section of our own costs: a table for each group. */
export function benchSection({ benches }: BenchResults): string {
  const groups = Map.groupBy(benches, ({ group }) => group ?? "");
  const tables = [...groups].map(([group, members]) => {
    const rows = members.flatMap(({ name, results }) => {
      const figures = results[0]?.ok;
      return figures === undefined ? [] : [[name, time(figures.avg), time(figures.min)]];
    });
    return rows.length === 0 ? "" : `**${group}**\n\n${markdownTable(["", "mean", "best"], rows)}`;
  });
  const parts = ["## Our own costs", "`deno task bench`, all of it:", ...tables.filter(Boolean)];
  return parts.join("\n\n");
}

/** Returns the section of a program that prints text. */
export function textSection(
  title: string,
  command: string,
  text: string,
  picture?: string,
): string {
  const image = picture === undefined ? [] : [`![${title}](${picture})`];
  // The command is above, and where it wrote to is nobody's concern.
  const shown = text.replace(/^Repeat with: .*$/m, "").trim();
  const output = `\`\`\`text\n${shown}\n\`\`\``;
  return [`## ${title}`, `\`${command}\`:`, ...image, output].join("\n\n");
}

/** Nanoseconds in the unit that suits them. */
function time(ns: number): string {
  if (ns < 1e3) return `${ns.toPrecision(3)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`;
  return `${(ns / 1e6).toPrecision(3)} ms`;
}
