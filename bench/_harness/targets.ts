/**
 * The command lines of the servers that several benchmarks measure.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import type { Machine } from "./machine.ts";
import { freePort, type ServerCommand } from "./server.ts";

/** The ways our echo server can be written. */
export type Handler = "generator" | "iterator";

/** Our echo server, `examples/tcp_echo.ts`. */
export function ourEcho(
  handler: Handler,
  idle: string = "adaptive",
  libos: string = "catnap",
): ServerCommand {
  return ours("examples/tcp_echo.ts", `ours, ${handler}`, { handler, idle, libos });
}

/** Our echo server for datagrams, `examples/udp_echo.ts`, whose handler is a generator. */
export function ourUdpEcho(idle: string = "adaptive", libos: string = "catnap"): ServerCommand {
  return ours("examples/udp_echo.ts", "ours, generator", { idle, libos });
}

/** Our key-value server, `examples/kv.ts`. */
export function ourKeyValueServer(
  idle: string = "adaptive",
  libos: string = "catnap",
): ServerCommand {
  return ours("examples/kv.ts", "ours, kv.ts", { idle, libos });
}

/** Our echo server that awaits something else, on a port for each of `AWAITED`. */
export function ourAwaitingEcho(handler: Handler, idle: string, libos: string): ServerCommand {
  return ours("bench/peers/our_awaiting_echo.ts", `ours, ${handler}`, { handler, idle, libos });
}

/** Our echo server beside `Deno.serve` in one process. */
export function ourEchoBesideServe(name: string, idle: string, libos: string): ServerCommand {
  return ours("bench/peers/our_echo_beside_serve.ts", name, { idle, libos });
}

/** HTTP by one of our tiers. */
export function ourHttp(tier: "fast" | "fetch", idle: string, libos: string): ServerCommand {
  return ours("bench/peers/our_http.ts", `ours, ${tier}`, { tier, idle, libos });
}

/** The same by `Deno.serve`. */
export function denoServeHttp(): ServerCommand {
  const argv = [Deno.execPath(), "run", "-A", path("../peers/our_http.ts"), "--tier", "serve"];
  return { name: "Deno.serve", argv };
}

/** The same by Node.js, or by Bun. */
export function otherHttp(name: string, program: string): ServerCommand {
  return { name, argv: [program, path("../peers/http.mjs")] };
}

/** Its name tells what is not as it is by default. */
function ours(
  file: string,
  name: string,
  flags: { readonly idle: string; readonly libos: string; readonly [own: string]: string },
): ServerCommand {
  // What is behind the name tells the wire.
  const all = { port: "0", ...flags, libos: flags.libos.split("/")[0]! };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const unusual = [flags.idle, flags.libos].filter((of) => of !== "adaptive" && of !== "catnap");
  return {
    name: [name, ...unusual].join(", "),
    // Deno's own datagrams want it.
    argv: [Deno.execPath(), "run", "-A", "--unstable-net", path(`../../${file}`), ...args],
  };
}

/** Deno's own: `Deno.listen` with a coroutine per connection, which may await something else, as ours above. */
export function denoListenEcho(awaiting: boolean = false): ServerCommand {
  const argv = [Deno.execPath(), "run", "-A", path("../peers/deno_listen_echo.ts")];
  return { name: "Deno.listen", argv: awaiting ? [...argv, "--awaiting"] : argv };
}

/** `Deno.serve`, by itself. */
export function denoServe(): ServerCommand {
  return {
    name: "Deno.serve alone",
    argv: [Deno.execPath(), "run", "-A", path("../peers/deno_serve.ts")],
  };
}

/** The same for datagrams: `Deno.listenDatagram`. */
export function denoDatagramEcho(): ServerCommand {
  const flags = ["-A", "--unstable-net"];
  const argv = [Deno.execPath(), "run", ...flags, path("../peers/deno_udp_echo.ts"), "--port", "0"];
  return { name: "Deno.listenDatagram", argv };
}

/** Node.js at `node`: `node:net`, or `node:dgram`. */
export function nodeEcho(node: string, protocol: "tcp" | "udp"): ServerCommand {
  const argv = [node, path("../peers/node_echo.mjs"), "--port", "0"];
  return { name: "node", argv: protocol === "udp" ? [...argv, "--udp"] : argv };
}

/** Bun at `bun`: `Bun.listen`, or `Bun.udpSocket`. */
export function bunEcho(bun: string, protocol: "tcp" | "udp"): ServerCommand {
  const argv = [bun, path("../peers/bun_echo.ts"), "--port", "0"];
  return { name: "Bun", argv: protocol === "udp" ? [...argv, "--udp"] : argv };
}

/** Redis at `program`, which keeps nothing on disk. */
export function redisServer(program: string): ServerCommand {
  const port = freePort();
  const silent = ["--save", "", "--appendonly", "no"];
  // It listens on one address, which is of this host, or of one that was made for it.
  const open = ["--bind", "127.0.0.1", "--protected-mode", "no"];
  return {
    name: "redis-server",
    argv: [program, "--port", String(port), ...silent, ...open],
    ready: /Ready to accept connections/,
    port,
    hostnameOption: "--bind",
  };
}

/** The plainest C loop, for one connection at a time. */
export async function cSpinEcho(machine: Machine): Promise<ServerCommand> {
  return { name: "C spin", argv: [await buildPeer(machine, "echo_spin"), "--port", "0"] };
}

/** The echo server in C over UCX, which speaks catmint's wire. */
export async function cUcxEcho(machine: Machine): Promise<ServerCommand> {
  return { name: "C on UCX", argv: [await buildPeer(machine, "ucx_echo")] };
}

/** Frames on memif's rings in C, with a client of its own. */
export async function cMemifEcho(machine: Machine): Promise<ServerCommand> {
  const client = await buildPeer(machine, "memif_echo");
  return { name: "C on memif", argv: [client], client };
}

/** The plainest C loop for datagrams. */
export async function cUdpSpinEcho(machine: Machine): Promise<ServerCommand> {
  return { name: "C spin", argv: [await buildPeer(machine, "udp_echo_spin"), "--port", "0"] };
}

/** C over epoll, for many connections; spinning, or asleep when idle. */
export async function cEpollEcho(machine: Machine, block: boolean): Promise<ServerCommand> {
  const argv = [await buildPeer(machine, "echo_epoll"), "--port", "0"];
  return { name: block ? "C epoll" : "C epoll spin", argv: block ? [...argv, "--block"] : argv };
}

/** A server that collects its garbage on SIGUSR2, if it is in Deno. */
export function collectable({ name, argv, ...rest }: ServerCommand): ServerCommand {
  const [deno, run, ...others] = argv;
  if (deno !== Deno.execPath()) return { name, argv, ...rest };
  const preload = `--preload=${path("./collect_on_signal.ts")}`;
  return { name, argv: [deno!, run!, "--v8-flags=--expose-gc", preload, ...others], ...rest };
}

/** A server in Deno or Node.js that tells of its pauses for garbage collection. */
export function traced({ argv, ...rest }: ServerCommand): ServerCommand {
  const [program, ...others] = argv;
  if (program !== Deno.execPath()) {
    return { ...rest, argv: [program!, "--trace-gc", ...others], tracesPauses: true };
  }
  const [run, ...options] = others;
  const flags = ["--v8-flags=--trace-gc", `--preload=${path("./line_buffered.ts")}`];
  return { ...rest, argv: [program, run!, ...flags, ...options], tracesPauses: true };
}

function path(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}
