/**
 * The protocol that is tested by simulation.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { run } from "../../examples/stop_and_wait.ts";

Deno.test("stop-and-wait delivers everything once and in order, the more dearly the more is lost", async () => {
  let before = 0;
  for (const loss of [0, 0.1, 0.4]) {
    let sent = 0;
    for (let seed = 0; seed < 10; seed++) sent += (await run(seed, loss)).sent;
    assert(sent > before, `${sent} at ${loss}`);
    before = sent;
  }
  assertEquals(await run(3, 0.3), await run(3, 0.3));
});
