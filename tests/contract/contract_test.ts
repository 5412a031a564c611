/**
 * The contract, held by every libOS of every provider in the build: one test for each case that is for it.
 *
 * @module
 */

import "../_preload.ts";
import { fail } from "@std/assert";
import { needing } from "../_needs.ts";
import { runInChildren } from "./child.ts";
import { countLine } from "./report.ts";
import { notApplicable, type Result, runCase } from "./run_case.ts";
import type { Subject } from "./subject.ts";
import { SUBJECTS } from "./subjects.ts";
import { SUITE } from "./suite.ts";

const results = new Map<Subject, Result[]>(SUBJECTS.map((subject) => [subject, []]));

function check(subject: Subject, result: Result): void {
  results.get(subject)!.push(result);
  const { rule } = SUITE.find((one) => one.id === result.id)!;
  if (result.verdict === "fail") fail(`${rule} ${result.why}`);
}

/** TypeScript is tested in this process, with Deno's sanitizers around each case. */
function testHere(subject: Subject): void {
  for (const one of SUITE) {
    if (notApplicable(one, subject) !== undefined) continue;
    Deno.test({
      name: `${subject.name}: ${one.id}`,
      timeout: 30_000,
      fn: async () => check(subject, await runCase(one, subject)),
    });
  }
}

/** What may hang, or end its process, has one of its own. */
function testInChildren(subject: Subject): void {
  Deno.test(subject.name, async (test) => {
    const ids = SUITE.filter((one) => notApplicable(one, subject) === undefined)
      .map(({ id }) => id);
    for (const result of await runInChildren(subject.name, ids, subject)) {
      await test.step(result.id, () => check(subject, result));
    }
  });
}

for (const subject of SUBJECTS) {
  if (subject.missing !== undefined) {
    Deno.test({ ...needing(subject.missing, subject.name), fn() {} });
  } else if (subject.isolated) {
    testInChildren(subject);
  } else {
    testHere(subject);
  }
}

Deno.test.afterAll(() => {
  for (const [subject, given] of results) {
    if (given.length > 0) console.log(countLine(subject.name, given));
  }
});
