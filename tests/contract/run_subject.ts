/**
 * Runs cases on one subject, and prints each result as a line of JSON when it has it:
 * `deno run -A tests/contract/run_subject.ts SUBJECT [CASE…]`, all cases by default.
 *
 * A subject that may hang or end its process is run by this program, in a process of its own.
 *
 * @module
 */

import type { Case } from "./case.ts";
import { runCase } from "./run_case.ts";
import type { Subject } from "./subject.ts";
import { subjectOf } from "./subjects.ts";
import { SUITE } from "./suite.ts";

/** What begins the lines that are for whoever reads; a library may print others. */
export const MARK = "@contract ";

/** Runs the cases of those names, in that order, or all. */
export async function runSubject(
  subject: Subject,
  suite: readonly Case[],
  ids: readonly string[],
): Promise<void> {
  for (const id of ids.length > 0 ? ids : suite.map((one) => one.id)) {
    const one = suite.find((one) => one.id === id);
    if (one === undefined) throw new Error(`there is no case "${id}"`);
    console.log(MARK + JSON.stringify(await runCase(one, subject)));
  }
}

if (import.meta.main) {
  const [name = "", ...ids] = Deno.args;
  await runSubject(subjectOf(name), SUITE, ids);
}
