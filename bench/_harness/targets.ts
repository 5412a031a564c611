/**
 * The command lines of the servers that several benchmarks measure.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import type { Machine } from "./machine.ts";
import type { ServerCommand } from "./server.ts";

/** The ways our echo server can be written. */
export type Handler = "generator" | "iterator";

/** Our echo server, `examples/tcp_echo.ts`. */
export function ourEcho(
  handler: Handler,
  idle: string = "adaptive",
  libos: string = "catnap",
): ServerCommand {
  const flags = { hostname: "127.0.0.1", port: "0", handler, idle, libos };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return {
    name: `ours, ${handler}${libos === "catnap" ? "" : `, ${libos}`}`,
    argv: [Deno.execPath(), "run", "-A", path("../../examples/tcp_echo.ts"), ...args],
  };
}

/** Deno's own: `Deno.listen` with a coroutine per connection. */
export function denoListenEcho(): ServerCommand {
  const argv = [Deno.execPath(), "run", "-A", path("../peers/deno_listen_echo.ts"), "--port", "0"];
  return { name: "Deno.listen", argv };
}

/** The plainest C loop, for one connection at a time. */
export async function cSpinEcho(machine: Machine): Promise<ServerCommand> {
  return { name: "C spin", argv: [await buildPeer(machine, "echo_spin"), "--port", "0"] };
}

/** C over epoll, for many connections; spinning, or asleep when idle. */
export async function cEpollEcho(machine: Machine, block: boolean): Promise<ServerCommand> {
  const argv = [await buildPeer(machine, "echo_epoll"), "--port", "0"];
  return { name: block ? "C epoll" : "C epoll spin", argv: block ? [...argv, "--block"] : argv };
}

/** A server in Deno that collects its garbage on SIGUSR2. */
export function collectable({ name, argv, ...rest }: ServerCommand): ServerCommand {
  const [deno, run, ...others] = argv;
  const preload = `--preload=${path("./collect_on_signal.ts")}`;
  return { name, argv: [deno!, run!, "--v8-flags=--expose-gc", preload, ...others], ...rest };
}

function path(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}
