import { assertEquals, assertMatch } from "@std/assert";
import { keepSteady, remarksOnDropped } from "../../bench/_harness/rounds.ts";

Deno.test("keepSteady() keeps what is steady, or all if nothing is", () => {
  const [steady, moved] = [{ steady: true }, { steady: false }];
  assertEquals(keepSteady([steady, moved, steady]), [steady, steady]);
  assertEquals(keepSteady([moved, moved]), [moved, moved]);
  assertEquals(keepSteady([]), []);
});

Deno.test("remarksOnDropped() says how many were dropped, or that none was steady", () => {
  assertMatch(remarksOnDropped("turns", 2, 3)[0]!, /^In 1 of 3 turns .* these were dropped$/);
  assertMatch(remarksOnDropped("rounds", 0, 3)[0]!, /EVERY one of the rounds/);
  assertEquals([remarksOnDropped("rounds", 3, 3), remarksOnDropped("rounds", 0, 0)], [[], []]);
});
