/**
 * The suite itself: it covers what upstream's suites assert, and its names are good ones.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { SUBJECTS } from "./subjects.ts";
import { SUITE } from "./suite.ts";
import { ELSEWHERE, UPSTREAM } from "./upstream.ts";

const known = Object.entries(UPSTREAM).flatMap(([suite, cases]) =>
  cases.map((one) => `${suite}/${one}`)
);

Deno.test("the list of upstream's cases is as long as upstream's suites", () => {
  const counts = Object.values(UPSTREAM).map(({ length }) => length);
  assertEquals(counts, [53, 17, 3, 12, 4, 6, 16, 5]);
  assertEquals(new Set(known).size, known.length);
});

Deno.test("every case of upstream's is covered, here or elsewhere", () => {
  const covered = new Set(SUITE.flatMap(({ upstream = [] }) => upstream));
  const missing = known.filter((one) => !covered.has(one) && !ELSEWHERE[one.split("/")[0]!]);
  assertEquals(missing, []);
});

Deno.test("no case refers to one that upstream has not", () => {
  const unknown = SUITE.flatMap(({ upstream = [] }) => upstream).filter((one) =>
    !known.includes(one)
  );
  assertEquals(unknown, []);
});

Deno.test("every case has a name of its own, and so has every subject", () => {
  assertEquals(new Set(SUITE.map(({ id }) => id)).size, SUITE.length);
  assertEquals(new Set(SUBJECTS.map(({ name }) => name)).size, SUBJECTS.length);
});

Deno.test("every known deviation is one from a case that there is", () => {
  const ids = SUITE.map(({ id }) => id);
  const strange = SUBJECTS.flatMap(({ deviations }) => Object.keys(deviations))
    .filter((id) => !ids.includes(id));
  assertEquals(strange, []);
});
