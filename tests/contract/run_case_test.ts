/**
 * How a case is judged.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { MemoryLibOS } from "../runtime/_memory_libos.ts";
import type { Case } from "./case.ts";
import { type Result, runCase } from "./run_case.ts";
import type { Deviation, Subject } from "./subject.ts";
import { message } from "./end.ts";

/** Runs a case that gives an answer on a libOS that is nothing but memory. */
async function judged(one: Partial<Case>, deviation?: Deviation): Promise<Result> {
  const subject: Subject = {
    name: "memory",
    libos: "memory",
    provider: "typescript",
    features: [],
    isolated: false,
    deviations: deviation === undefined ? {} : { a: deviation },
    open: () => new MemoryLibOS(),
  };
  return await runCase(
    { id: "a", needs: [], rule: "none", pdpix: "right", run: () => "right", ...one },
    subject,
  );
}

const known: Deviation = { answer: "wrong", reason: "known" };

Deno.test("runCase() passes the answer that PDPIX requires, and no other", async () => {
  assertEquals((await judged({})).verdict, "pass");
  const other = await judged({ run: () => "wrong" });
  assertEquals([other.verdict, other.answer], ["fail", "wrong"]);
});

Deno.test("runCase() knows deviations, and fails when they are no more", async () => {
  const deviates = await judged({ run: () => "wrong" }, known);
  assertEquals([deviates.verdict, deviates.why], ["deviates", "known"]);
  assertMatch((await judged({}, known)).why, /keeps the rule now/);
  assertEquals((await judged({ run: () => "third" }, known)).verdict, "fail");
});

Deno.test("runCase() runs nothing that is not for the subject", async () => {
  const run = () => {
    throw new Error("it ran");
  };
  const without = await judged({ needs: ["stream"], run });
  assertEquals([without.verdict, without.why], ["n/a", "no stream sockets"]);
  assertEquals((await judged({ needs: ["halfClose"], run })).verdict, "n/a");
  const excluded = await judged({ run }, { answer: "n/a", reason: "known" });
  assertEquals([excluded.verdict, excluded.why], ["n/a", "known"]);
});

Deno.test("runCase() fails a case that throws, or leaves buffers or tokens behind", async () => {
  const thrown = await judged({
    run: () => {
      throw new Error("on purpose");
    },
  });
  assertEquals([thrown.verdict, thrown.why], ["fail", "on purpose"]);
  const leaks = await judged({
    run: ({ libos }) => {
      message(libos, "lost");
      return "right";
    },
  });
  assertMatch(leaks.why, /1 buffers leaked/);
  const tokens = await judged({
    run: ({ libos }) => {
      libos.pop(libos.queue());
      return "right";
    },
  });
  assertMatch(tokens.why, /1 tokens were never waited for/);
});
