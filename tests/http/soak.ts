/**
 * A server under load for long: `soak.ts [SECONDS]`, a minute by default, for each libOS, tier and kind of load. Prints a line
 * for each; ends with an error at the first one.
 *
 * @module
 */

import { TIERS } from "./_http.ts";
import { ask, serveLoad, talk } from "./_load.ts";
import { PLACES } from "./_places.ts";

const load = { seconds: Number(Deno.args[0] ?? 60), connections: 64 };

for (const [name, make] of Object.entries(PLACES)) {
  using place = make();
  for (const tier of TIERS) {
    const server = serveLoad(place, tier);
    const { port } = server.addr;
    for (const depth of [1, 16]) {
      await ask(place, port, load, depth);
      console.log(`${name}, ${tier} tier: wrk, ${depth} at once, saw no error`);
    }
    await talk(place, port, load);
    console.log(`${name}, ${tier} tier: WebSockets echoed what they heard`);
    await server.shutdown();
  }
  await place.libos.exit();
}
