/**
 * An echo server over native catnap. It says its port; then for each line of its input, how much memory it has, until
 * its input ends: then what its libOS left.
 *
 * @module
 */

import { open, serve } from "../../mod.ts";

const libos = open("demikernel:catnap");
const server = serve({ libos, port: 0 }, function* (connection) {
  for (let sga; (sga = yield* connection.pop()) !== null; sga.free()) yield* connection.push(sga);
});
console.log(server.addr.port);
const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const _ of lines) {
  // What V8 has not collected yet is no growth.
  (globalThis as unknown as { gc(): void }).gc();
  console.log(JSON.stringify({ rss: Deno.memoryUsage().rss, ...libos.statistics() }));
}
await server.shutdown();
console.log(JSON.stringify({ ...libos.statistics(), ...await libos.exit() }));
