/**
 * Cases in child processes: what hangs, dies or chatters costs nobody else's result.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { runInChildren } from "./child.ts";
import type { Result } from "./run_case.ts";

const PROGRAM = import.meta.resolve("./_faulty_subject.ts");

async function run(...ids: string[]): Promise<Result[]> {
  return await Array.fromAsync(runInChildren("any", ids, { program: PROGRAM, patience: 4000 }));
}

Deno.test("every case has its result, whatever the one before did", async () => {
  const results = await run(
    "passes",
    "hangs",
    "answers-otherwise",
    "throws",
    "aborts",
    "prints",
    "exits",
  );
  assertEquals(results.map(({ id, verdict }) => `${id} ${verdict}`), [
    "passes pass",
    "hangs fail",
    "answers-otherwise fail",
    "throws fail",
    "aborts fail",
    "prints pass",
    "exits fail",
  ]);
  const why = new Map(results.map((result) => [result.id, result.why]));
  assertMatch(why.get("hangs")!, /hangs/);
  assertMatch(why.get("answers-otherwise")!, /"wrong", not "right"/);
  assertMatch(why.get("throws")!, /on purpose/);
  assertMatch(why.get("aborts")!, /SIGABRT/);
  assertMatch(why.get("exits")!, /code 3/);
});
