/**
 * The round trip of an echo of 64 bytes through the kernel's sockets, between two processes. One iteration
 * is one round trip; each is checked.
 *
 * A row names the server, in its default idle policy. The client is the same for all, our catnap, which spins:
 * so they differ by their servers alone. One row per group has Deno at both ends, as programs have.
 *
 * @module
 */
import type { LibOSName } from "../mod.ts";
import { whyUnavailable } from "./_availability.ts";
import { benchEcho } from "./_echo.ts";
import { connectDeno, connectDenoDatagram, connectOver } from "./_echo_clients.ts";
import { denoDatagramEcho, denoListenEcho, ourEcho, ourUdpEcho } from "./_harness/targets.ts";

const LIBOSES: readonly LibOSName[] = ["catnap", "deno:catnap", "demikernel:catnap"];
const unavailable = new Map(LIBOSES.map((libos) => [libos, whyUnavailable(libos)]));

const tcp = "TCP echo, 64 B";

benchEcho({
  name: "Deno.listen",
  group: tcp,
  baseline: true,
  unavailable: unavailable.get("catnap"),
  server: denoListenEcho(),
  connect: connectOver("catnap", "stream"),
});

benchEcho({
  name: "Deno.listen, from Deno.connect",
  group: tcp,
  server: denoListenEcho(),
  connect: connectDeno,
});

for (const libos of LIBOSES) {
  for (const handler of ["generator", "iterator"] as const) {
    benchEcho({
      name: `${libos}, ${handler}`,
      group: tcp,
      unavailable: unavailable.get(libos),
      server: ourEcho(handler, "adaptive", libos),
      connect: connectOver("catnap", "stream"),
    });
  }
}

const udp = "UDP echo, 64 B";

benchEcho({
  name: "Deno.listenDatagram",
  group: udp,
  baseline: true,
  unavailable: unavailable.get("catnap"),
  server: denoDatagramEcho(),
  connect: connectOver("catnap", "dgram"),
});

benchEcho({
  name: "Deno.listenDatagram at both ends",
  group: udp,
  unavailable: "listenDatagram" in Deno ? undefined : "it needs --unstable-net",
  server: denoDatagramEcho(),
  connect: connectDenoDatagram,
});

for (const libos of LIBOSES) {
  benchEcho({
    name: `${libos}, generator, UDP`,
    group: udp,
    unavailable: unavailable.get(libos),
    server: ourUdpEcho("adaptive", libos),
    connect: connectOver("catnap", "dgram"),
  });
}
