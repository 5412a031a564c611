/**
 * The results as text: counts, a table for the terminal, and a page.
 *
 * @module
 */

import type { Case } from "./case.ts";
import type { Result, Verdict } from "./run_case.ts";
import { ELSEWHERE, UPSTREAM } from "./upstream.ts";

/** The results of a subject, or why there are none. */
export interface Column {
  /** The subject's name. */
  readonly name: string;
  /** By case. */
  readonly results: ReadonlyMap<string, Result>;
  /** Why it could not be run; undefined if it was. */
  readonly missing: string | undefined;
}

const VERDICTS: readonly Verdict[] = ["pass", "fail", "deviates", "n/a"];
const SIGNS: Record<Verdict, string> = { pass: "✓", fail: "✗", deviates: "≠", "n/a": "–" };

/** How many of the results are what. */
function count(results: Iterable<Result>): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { pass: 0, fail: 0, deviates: 0, "n/a": 0 };
  for (const { verdict } of results) counts[verdict]++;
  return counts;
}

/** The counts of a subject, in a line. */
export function countLine(name: string, results: Iterable<Result>): string {
  const counts = count(results);
  const told = VERDICTS.filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `${counts[verdict]} ${verdict}`);
  return `${name}: ${told.join(", ")}`;
}

/** The table for the terminal: a line for each case, a sign for each subject. */
export function table(suite: readonly Case[], columns: readonly Column[]): string {
  const width = Math.max(...suite.map(({ id }) => id.length));
  const lines = columns.map(({ name }, i) => `${" ".repeat(width)} ${"│ ".repeat(i)}┌ ${name}`);
  for (const { id } of suite) {
    const signs = columns.map(({ results }) => sign(results.get(id)));
    lines.push(`${id.padEnd(width)} ${signs.join(" ")}`);
  }
  for (const { name, results, missing } of columns) {
    lines.push(missing === undefined ? countLine(name, results.values()) : `${name}: ${missing}`);
    for (const { id, verdict, why } of results.values()) {
      if (verdict === "fail") lines.push(`  ✗ ${id}: ${shorten(why)}`);
    }
  }
  return lines.join("\n");
}

/** The page for people, `docs/conformance.md`. */
export function page(suite: readonly Case[], columns: readonly Column[]): string {
  return [
    INTRODUCTION,
    countTable(columns),
    ...columns.flatMap(({ name, missing }) => missing ? [`${name} was not run: ${missing}.`] : []),
    exceptions("Failures", "fail", columns),
    exceptions("Deviations", "deviates", columns),
    notApplicable(columns),
    ...topics(suite).map(([topic, cases]) => topicTable(topic, cases, columns)),
    coverage(suite),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

const INTRODUCTION = `# Conformance

Written by \`deno task conformance\`; do not edit. One suite, \`tests/contract/\`, is run over each libOS of
each provider. An answer is how calls and operations ended, in order. "Upstream" is what the \`compat\`
profile answers, where that is not the same.

✓ keeps the rule · ✗ does not · ≠ is known to answer otherwise · – is not for it`;

function countTable(columns: readonly Column[]): string {
  return markdown(
    ["", ...VERDICTS],
    columns.map(({ name, results }) => {
      const counts = count(results.values());
      return [name, ...VERDICTS.map((verdict) => String(counts[verdict]))];
    }),
  );
}

function exceptions(title: string, verdict: Verdict, columns: readonly Column[]): string {
  const rows = columns.flatMap(({ name, results }) =>
    [...results.values()].filter((result) => result.verdict === verdict)
      .map(({ id, answer, why }) => [name, id, code(answer), shorten(why)])
  );
  return rows.length === 0 ? "" : `## ${title}\n\n${markdown(["", "case", "answer", "why"], rows)}`;
}

/** Why cases are not for a subject, and how many; those of rare reasons by name. */
function notApplicable(columns: readonly Column[]): string {
  const rows = columns.flatMap(({ name, results }) => {
    const skipped = [...results.values()].filter(({ verdict }) => verdict === "n/a");
    return [...Map.groupBy(skipped, ({ why }) => why)].map(([why, cases]) => [
      name,
      why,
      cases.length > 5 ? `${cases.length} cases` : cases.map(({ id }) => id).join(", "),
    ]);
  });
  return `## Not applicable\n\n${markdown(["", "why", "cases"], rows)}`;
}

function topics(suite: readonly Case[]): [string, Case[]][] {
  const grouped = Map.groupBy(suite, ({ id }) => id.slice(0, id.indexOf("/")));
  return [...grouped];
}

function topicTable(topic: string, cases: readonly Case[], columns: readonly Column[]): string {
  const rows = cases.map(({ id, rule, pdpix, compat }) => [
    id.slice(topic.length + 1),
    `${rule} ${code(pdpix)}`,
    compat ?? "",
    ...columns.map(({ results }) => sign(results.get(id))),
  ]);
  const head = ["case", "PDPIX", "upstream", ...columns.map(({ name }) => name)];
  return `## ${topic}\n\n${markdown(head, rows)}`;
}

function coverage(suite: readonly Case[]): string {
  const rows = Object.entries(UPSTREAM).flatMap(([name, cases]) =>
    cases.map((one) => {
      const full = `${name}/${one}`;
      const covering = suite.filter(({ upstream = [] }) => upstream.includes(full));
      return [full, ELSEWHERE[name] ?? covering.map(({ id }) => id).join(", ")];
    })
  );
  return `## Upstream's own cases\n\n${markdown(["upstream", "here"], rows)}`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function sign(result: Result | undefined): string {
  return result === undefined ? " " : SIGNS[result.verdict];
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

/** A message as one short line. */
function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
}
