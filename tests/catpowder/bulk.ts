/**
 * Gigabytes through catpowder on each device and back, with equal SHA-256; needs root. `deno task bulk [MEGABYTES]`
 *
 * @module
 */

import { echoedSums } from "./_echoed_sums.ts";
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
