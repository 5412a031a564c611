/**
 * Runs the contract over everything in the build, prints the table, and writes `docs/conformance.md`. Or over the
 * subjects that are named, and writes nothing: `deno run -A tests/contract/conformance.ts SUBJECT…`.
 * Ends with code 1 if a case fails, or if a subject that is named is missing.
 *
 * @module
 */

import { runInChildren } from "./child.ts";
import { type Column, page, table } from "./report.ts";
import { notApplicable, type Result, runCase } from "./run_case.ts";
import type { Subject } from "./subject.ts";
import { ON_REQUEST, subjectOf, SUBJECTS } from "./subjects.ts";
import { SUITE } from "./suite.ts";

const PAGE = new URL("../../docs/conformance.md", import.meta.url);

async function* resultsOf(subject: Subject): AsyncGenerator<Result> {
  if (!subject.isolated) {
    for (const one of SUITE) yield await runCase(one, subject);
    return;
  }
  const ids = [];
  for (const one of SUITE) {
    const why = notApplicable(one, subject);
    if (why === undefined) ids.push(one.id);
    else yield { id: one.id, verdict: "n/a", answer: "", why };
  }
  yield* await runInChildren(subject.name, ids, subject);
}

async function columnOf(subject: Subject): Promise<Column> {
  const { name, missing } = subject;
  const results = new Map<string, Result>();
  if (missing === undefined) {
    for await (const result of resultsOf(subject)) results.set(result.id, result);
  }
  return { name, missing, results };
}

function fails({ results }: Column): boolean {
  return [...results.values()].some(({ verdict }) => verdict === "fail");
}

if (import.meta.main) {
  const named = Deno.args.length > 0;
  const columns: Column[] = [];
  for (const subject of named ? Deno.args.map(subjectOf) : [...SUBJECTS, ...ON_REQUEST]) {
    columns.push(await columnOf(subject));
  }
  console.log(table(SUITE, columns));
  if (!named) {
    await Deno.writeTextFile(PAGE, page(SUITE, columns));
    await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE.pathname] }).output();
  }
  const missing = named && columns.some((column) => column.missing !== undefined);
  Deno.exitCode = missing || columns.some(fails) ? 1 : 0;
}
