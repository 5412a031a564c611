/**
 * Gigabytes through catpowder on each device and back, and each way over a link that loses, doubles, marks and delays frames,
 * with equal SHA-256; needs root. `deno task bulk [MEGABYTES]`
 *
 * @module
 */

import { ALL_FAULTS, serveTransfers, transfer } from "./_under_loss.ts";
import { echoedSums } from "./_echoed_sums.ts";
import { FaultyLink } from "../_network/faulty_link.ts";
import { KernelLink, KINDS, OURS, prefixed } from "../_network/link.ts";
import { Program } from "../examples/_program.ts";

const megabytes = Number(Deno.args[0] ?? 1024);
for (const kind of KINDS) {
  using link = new KernelLink(kind);
  const { host, device } = link.port;
  const env = { LIBOS: "catpowder", DEVICE: device, ADDRESS: prefixed(OURS).join(" ") };
  await using echo = await Program.start("tcp_echo", [], { host, env });
  const begin = performance.now();
  const [sent, received] = await echoedSums(link.kernel, OURS.inet, echo.port, megabytes);
  const seconds = (performance.now() - begin) / 1000;
  console.log(`${kind}: ${megabytes} MB each way in ${seconds.toFixed(1)} s, ${sent}`);
  if (received !== sent) {
    console.error(`${kind}: what came back is ${received}`);
    Deno.exitCode = 1;
  }
}

using link = new FaultyLink("libos");
await link.set(ALL_FAULTS);
await using server = await serveTransfers(link, "catpowder");
// What is sent is the same each time.
const up = await transfer(link, server.port, "up", megabytes);
const down = await transfer(link, server.port, "down", megabytes);
const rates = [up, down].map(({ seconds }) => `${seconds.toFixed(1)} s`).join(" and ");
console.log(`under loss: ${megabytes} MB to catpowder and from it in ${rates}, ${up.here}`);
if (up.there !== up.here || down.here !== up.here) {
  console.error(`under loss: what came is ${up.there} and ${down.here}`);
  Deno.exitCode = 1;
}
