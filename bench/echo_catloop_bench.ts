/**
 * The round trip of an echo of 64 bytes through shared memory, between two processes: catloop, beside Deno.listen
 * with a client that spins as well. It has a file of its own, since a thread can have one native libOS only.
 *
 * @module
 */
import { whyUnavailable } from "./_availability.ts";
import { benchEcho } from "./_echo.ts";
import { connectOver } from "./_echo_clients.ts";
import { removeStaleMemory } from "./_stale_memory.ts";
import { denoListenEcho, ourEcho } from "./_harness/targets.ts";

const libos = "demikernel:catloop";
const unavailable = whyUnavailable(libos);
if (unavailable === undefined) removeStaleMemory();
const group = "echo on one host, 64 B, sockets over shared memory";

benchEcho({
  name: "Deno.listen, TCP on loopback",
  group,
  baseline: true,
  unavailable: whyUnavailable("catnap"),
  server: denoListenEcho(),
  connect: connectOver("catnap", "stream"),
});

for (const handler of ["generator", "iterator"] as const) {
  benchEcho({
    name: `${libos}, ${handler}`,
    group,
    unavailable,
    server: ourEcho(handler, "adaptive", libos),
    connect: connectOver(libos, "stream"),
  });
}
