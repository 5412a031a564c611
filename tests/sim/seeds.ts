/**
 * Runs many seeds of the scenarios, replays each tenth, and lets each hundredth have a whole day: `deno task seeds [FROM] [TO]`.
 * Ends with code 1 if one failed.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { runDatagrams } from "./_datagrams.ts";
import { runDay } from "./_day.ts";
import { runScenario } from "./_scenario.ts";

const [from = 0, to = 1000] = Deno.args.map(Number);
if (!(Number.isInteger(from) && Number.isInteger(to) && from < to)) {
  console.error(
    `Cannot run the seeds ${Deno.args.join(" ")}: give two whole numbers, FROM below TO`,
  );
  Deno.exit(2);
}
let failed = 0;
let frames = 0;
let messages = 0;
for (let seed = from; seed < to; seed++) {
  try {
    const outcome = await runScenario(seed);
    frames += outcome.frames;
    if (seed % 10 === 0) assertEquals(await runScenario(seed), outcome, "the replay");
    await runDatagrams(seed);
    if (seed % 100 === 0) messages += await runDay(seed);
  } catch (error) {
    failed++;
    console.log(`seed ${seed}: ${error instanceof Error ? error.stack : error}`);
  }
}
console.log(
  `${to - from} seeds, ${frames} frames, ${messages} messages of whole days, ${failed} failed`,
);
Deno.exitCode = failed > 0 ? 1 : 0;
