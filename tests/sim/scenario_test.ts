/**
 * Connections over a bad network, seed by seed: every byte arrives once and in order, everything ends, nothing is left. Here
 * is a part of the seeds; `deno task seeds` runs a thousand.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { runDatagrams } from "./_datagrams.ts";
import { runDay } from "./_day.ts";
import { runScenario } from "./_scenario.ts";

const SEEDS = 60;
const REPLAYED = 4;

Deno.test({
  name: `connections over a bad network end well, of ${SEEDS} seeds`,
  timeout: 120_000,
  async fn() {
    for (let seed = 0; seed < SEEDS; seed++) await runScenario(seed);
  },
});

Deno.test("the same seed gives the same run to the bit, and another one another", async () => {
  const outcomes = [];
  for (let seed = 0; seed < REPLAYED; seed++) {
    const outcome = await runScenario(seed);
    assertEquals(await runScenario(seed), outcome);
    outcomes.push(outcome);
  }
  assertEquals(new Set(outcomes.map(({ hash }) => hash)).size, REPLAYED);
});

Deno.test("datagrams over a bad network arrive whole or not at all, of 60 seeds", async () => {
  for (let seed = 0; seed < SEEDS; seed++) await runDatagrams(seed);
});

Deno.test("two hosts that cannot always reach each other get through a day", async () => {
  assert(await runDay(0) > 100);
});
