/**
 * Cases in child processes: what hangs, dies or chatters costs nobody else's result.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { type ChildOptions, runInChildren } from "./child.ts";
import type { Result } from "./run_case.ts";

const PROGRAM = import.meta.resolve("./_faulty_subject.ts");

async function run(ids: string[], options: ChildOptions = {}): Promise<Result[]> {
  const all = { program: PROGRAM, patience: 4000, ...options };
  return await runInChildren("any", ids, all);
}

Deno.test("every case has its result, whatever the one before did", async () => {
  const results = await run([
    "passes",
    "hangs",
    "answers-otherwise",
    "throws",
    "aborts",
    "prints",
    "exits",
  ]);
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

Deno.test("several processes share the cases, and their results are in order", async () => {
  const ids = ["passes", "throws", "prints", "exits", "passes"];
  for (const processes of [2, 8]) {
    const results = await run(ids, { processes });
    assertEquals(results.map(({ id, verdict }) => `${id} ${verdict}`), [
      "passes pass",
      "throws fail",
      "prints pass",
      "exits fail",
      "passes pass",
    ]);
  }
});

Deno.test("a case has as many attempts as it is given, and those after it have theirs", async () => {
  const path = await Deno.makeTempFile();
  Deno.env.set("CONTRACT_MARK", path);
  try {
    const results = await run(["passes", "passes-later", "throws", "prints"], { attempts: 3 });
    assertEquals(results.map(({ id, verdict }) => `${id} ${verdict}`), [
      "passes pass",
      "passes-later pass",
      "throws fail",
      "prints pass",
    ]);
  } finally {
    Deno.env.delete("CONTRACT_MARK");
    await Deno.remove(path);
  }
});
