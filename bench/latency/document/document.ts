/**
 * `docs/benchmarks.md`, out of the results of a run: figures and plots are never copied by hand. What people
 * wrote comes from `bench/latency/document/`: how it is measured, and what was found.
 *
 * @module
 */
import { figureTable, RATIO_HEAD, ratioRow, remarksOn } from "../show.ts";
import type { Experiment, Run } from "../schema.ts";

/** What the document is made of. */
export interface DocumentSources {
  /** The results, of which each has the command that repeats it; the first one says what the machine is. */
  readonly runs: readonly Run[];
  /** The names of the plots, which lie in the folder `benchmarks` beside the document. */
  readonly plots: readonly string[];
  /** Texts that people wrote, in Markdown, without their first heading. */
  readonly method: string;
  /** What was found with all this, and what holds the figures that are missed. */
  readonly findings: string;
  /** Further sections that other programs made, in Markdown. */
  readonly sections: readonly string[];
}

/** Returns the document. */
export function document({ runs, plots, method, findings, sections }: DocumentSources): string {
  const parts = [
    "# Benchmarks",
    "<!-- Made by `deno task benchmarks`: edit bench/latency/document/*.md, not this file. -->",
    method.trim(),
    "## The machine",
    machineOf(runs[0]!),
    "## The figures that count",
    goals(runs.flatMap(({ experiments }) => experiments)),
    ...runs.flatMap(({ command, experiments }) =>
      experiments.map((experiment) => section(experiment, command, plots))
    ),
    ...sections.map((section) => section.trim()),
    findings.trim(),
  ];
  return `${parts.join("\n\n")}\n`;
}

function machineOf({ machine, date }: Run): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.description}. ${versions.join(", ")}. Measured on ${date.slice(0, 10)} by`,
    fence("sh", "deno task benchmarks"),
    ...machine.notices.map((notice) => `- ${notice}`),
  ].join("\n\n");
}

/** The ratios that have a target, of all experiments. */
function goals(experiments: readonly Experiment[]): string {
  const rows = experiments.flatMap(({ id, ratios }) =>
    ratios.filter(({ met }) => met !== undefined).map((ratio) => [id, ...ratioRow(ratio)])
  );
  return markdownTable(["workload", ...RATIO_HEAD], rows);
}

function section(experiment: Experiment, command: string, plots: readonly string[]): string {
  const { id, title, effort, ratios } = experiment;
  const { columns, rows } = figureTable(experiment);
  const own = plots.filter((name) => name.startsWith(`${id}.`));
  return [
    `## ${title}`,
    `\`${command}\`: ${effort}.`,
    ...own.map((name) => `![${title}: ${plotKind(name)}](benchmarks/${name})`),
    ...(rows.length === 0 ? [] : [markdownTable(columns, rows)]),
    ...(ratios.length === 0 ? [] : [markdownTable(RATIO_HEAD, ratios.map(ratioRow))]),
    remarksOn(experiment).map((remark) => `- ${remark}.`).join("\n"),
  ].join("\n\n");
}

function plotKind(name: string): string {
  return name.split(".").slice(1, -1).join(" ");
}

/** Returns a table; words to the left, figures to the right. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(" | ")} |`;
  const isFigures = (column: number) => rows.every((row) => /^([\d<≤≥]|$)/.test(row[column] ?? ""));
  const rule = head.map((_, index) => index > 0 && isFigures(index) ? "---:" : "---");
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
