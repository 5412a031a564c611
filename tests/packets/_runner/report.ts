/**
 * What a run of scripts tells.
 *
 * @module
 */

import { Failure } from "./failure.ts";
import { ScriptError } from "./syntax.ts";
import type { Field } from "./match.ts";

/** How one script ended. */
export interface Report {
  readonly script: string;
  readonly passed: boolean;
  /** What was ignored. */
  readonly notes: readonly string[];
  readonly failure?: ReportedFailure;
}

/** Why it failed. */
export interface ReportedFailure {
  readonly line: number;
  readonly column: number;
  /** The time of the script, in seconds; null if it did not run. */
  readonly time: number | null;
  readonly message: string;
  /** The event, as it stands in the script. */
  readonly event: string | null;
  readonly fields: readonly Field[];
  readonly connections: readonly string[];
}

/** The report of a script that failed. */
export function reportFailure(script: string, error: unknown): Report {
  const base = { script, passed: false, notes: [] };
  if (error instanceof ScriptError) {
    const { line, column } = error.place;
    const message = error.message.replace(/^line \d+, column \d+: /, "");
    const failure = { line, column, time: null, message, event: null, fields: [], connections: [] };
    return { ...base, failure };
  }
  if (!(error instanceof Failure)) throw error;
  const { event, at, message, fields, connections } = error;
  const failure = {
    ...event.place,
    time: at / 1000,
    message,
    event: event.text,
    fields,
    connections,
  };
  return { ...base, failure };
}

/** A report for people. */
export function formatReport({ script, passed, failure }: Report): string {
  if (passed) return `ok      ${script}`;
  const { line, column, time, message, event, fields, connections } = failure!;
  const when = time === null ? "" : ` at ${time.toFixed(3)} s`;
  const lines = [`FAILED  ${script}:${line}:${column}${when}: ${message}`];
  if (event !== null) lines.push(`        ${event}`);
  lines.push(...formatFields(fields).map((text) => `        ${text}`));
  lines.push(...connections.map((text) => `        ${text}`));
  return lines.join("\n");
}

/** Fields in columns: their names, what was expected, what came, and marks where that differs. */
function formatFields(fields: readonly Field[]): string[] {
  if (fields.length === 0) return [];
  const rows: [string, (field: Field) => string][] = [
    ["", ({ name }) => name],
    ["expected", ({ expected }) => expected],
    ["actual", ({ actual }) => actual],
    [
      "",
      ({ same, expected, actual }) =>
        same ? "" : "^".repeat(Math.max(expected.length, actual.length, 1)),
    ],
  ];
  const widths = fields.map((field) => Math.max(...rows.map(([, cell]) => cell(field).length)));
  return rows.map(([title, cell]) =>
    `${title.padEnd(8)}  ${fields.map((field, i) => cell(field).padEnd(widths[i]!)).join("  ")}`
      .trimEnd()
  );
}
