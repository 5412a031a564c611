/**
 * A server under load, for a second: many requests, one by one and in pipelines, and many WebSockets. `deno task http` has it
 * for a minute each.
 *
 * @module
 */

import { missingProgram } from "../_needs.ts";
import { TIERS } from "./_http.ts";
import { ask, serveLoad, talk } from "./_load.ts";
import { testAt } from "./_places.ts";

for (const tier of TIERS) {
  testAt(`wrk sees no error, in the ${tier} tier`, missingProgram("wrk"), async (place) => {
    await using server = serveLoad(place, tier);
    for (const depth of [1, 16]) {
      await ask(place, server.addr.port, { seconds: 1, connections: 64 }, depth);
    }
  });
}

testAt("WebSockets echo what they hear, under load", undefined, async (place) => {
  await using server = serveLoad(place, "fast");
  await talk(place, server.addr.port, { seconds: 1, connections: 20 });
});
