/**
 * The round trip of an echo of 64 bytes through the kernel's sockets, between two processes: client and
 * server on the same libOS, in the default idle policy, beside Deno's own sockets. One iteration is one round trip;
 * each is checked.
 *
 * @module
 */
import type { LibOSName } from "../mod.ts";
import { whyUnavailable } from "./_availability.ts";
import { benchEcho } from "./_echo.ts";
import { connectDeno, connectDenoDatagram, connectOver } from "./_echo_clients.ts";
import { denoDatagramEcho, denoListenEcho, ourEcho, ourUdpEcho } from "./_harness/targets.ts";

const LIBOSES: readonly LibOSName[] = ["catnap", "demikernel:catnap"];
const unavailable = new Map(LIBOSES.map((libos) => [libos, whyUnavailable(libos)]));

const tcp = "TCP echo, 64 B";

benchEcho({
  name: "Deno.listen",
  group: tcp,
  baseline: true,
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
      connect: connectOver(libos, "stream"),
    });
  }
}

const udp = "UDP echo, 64 B";

benchEcho({
  name: "Deno.listenDatagram",
  group: udp,
  baseline: true,
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
    connect: connectOver(libos, "dgram"),
  });
}
