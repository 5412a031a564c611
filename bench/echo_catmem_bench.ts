/**
 * The round trip of an echo of 64 bytes through two pipes of catmem, in shared memory between two processes,
 * beside Deno.listen with a client that spins as well. It has a file of its own, since a thread can have one native libOS only; where
 * an earlier file had its thread, it is left out.
 *
 * @module
 */
import { whyUnavailable, whyUnavailableOnThread } from "./_availability.ts";
import { benchEcho } from "./_echo.ts";
import { connectOver, openPipes } from "./_echo_clients.ts";
import { denoListenEcho } from "./_harness/targets.ts";

const libos = "demikernel:catmem";
const group = "echo on one host, 64 B, pipes in shared memory";

benchEcho({
  name: "Deno.listen, TCP on loopback",
  group,
  baseline: true,
  unavailable: whyUnavailable("catnap"),
  server: denoListenEcho(),
  connect: connectOver("catnap", "stream"),
});

const [request, reply] = [`bench-request-${Deno.pid}`, `bench-reply-${Deno.pid}`];
const server = new URL("_pipe_echo_server.ts", import.meta.url).pathname;

benchEcho({
  name: `${libos}, generator`,
  group,
  unavailable: await whyUnavailableOnThread(libos, "bench/echo_catmem_bench.ts"),
  server: {
    name: libos,
    argv: [Deno.execPath(), "run", "-A", server, libos, request, reply],
    ready: /ready/,
    port: 0,
  },
  connect: openPipes(libos, request, reply),
});
