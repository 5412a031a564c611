/**
 * Runs the contract over everything in the build, prints the table, and writes `docs/conformance.md`.
 * Ends with code 1 if a case fails.
 *
 * @module
 */

import { runInChildren } from "./child.ts";
import { type Column, page, table } from "./report.ts";
import { notApplicable, type Result, runCase } from "./run_case.ts";
import type { Subject } from "./subject.ts";
import { SUBJECTS } from "./subjects.ts";
import { SUITE } from "./suite.ts";

const PAGE = new URL("../../docs/conformance.md", import.meta.url);

async function* resultsOf(subject: Subject): AsyncGenerator<Result> {
  if (subject.missing !== undefined) return;
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
  yield* runInChildren(subject.name, ids);
}

if (import.meta.main) {
  const columns: Column[] = [];
  for (const subject of SUBJECTS) {
    const results = new Map<string, Result>();
    for await (const result of resultsOf(subject)) results.set(result.id, result);
    columns.push({ name: subject.name, results, missing: subject.missing });
  }
  console.log(table(SUITE, columns));
  await Deno.writeTextFile(PAGE, page(SUITE, columns));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PAGE.pathname] }).output();
  const failed = columns.some(({ results }) =>
    [...results.values()].some(({ verdict }) => verdict === "fail")
  );
  Deno.exitCode = failed ? 1 : 0;
}
