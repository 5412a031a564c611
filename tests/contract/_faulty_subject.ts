/**
 * What `run_subject.ts` is, for cases that go wrong in every way.
 *
 * @module
 */

import type { Case } from "./case.ts";
import { runSubject } from "./run_subject.ts";
import { SUBJECTS } from "./subjects.ts";

function faulty(id: string, run: Case["run"]): Case {
  return { id, needs: [], rule: "none", pdpix: "right", run };
}

const CASES: readonly Case[] = [
  faulty("passes", () => "right"),
  faulty("hangs", () => {
    for (;;);
  }),
  faulty("answers-otherwise", () => "wrong"),
  faulty("throws", () => {
    throw new Error("on purpose");
  }),
  faulty("aborts", () => {
    Deno.kill(Deno.pid, "SIGABRT");
    for (;;);
  }),
  faulty("exits", () => Deno.exit(3)),
  faulty("passes-later", () => {
    const path = Deno.env.get("CONTRACT_MARK")!;
    const before = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, `${before}.`);
    return before === ".." ? "right" : "wrong";
  }),
  faulty("prints", () => {
    console.log("not for you\n@contrac");
    return "right";
  }),
];

await runSubject(SUBJECTS[0]!, CASES, Deno.args.slice(1));
