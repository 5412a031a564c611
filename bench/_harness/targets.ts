/**
 * How the servers that are measured are started.
 *
 * @module
 */
import { buildPeer } from "./c_peer.ts";
import type { Machine } from "./machine.ts";
import { freePort, type ServerCommand } from "./server.ts";

/** Starts one of ours with an idle policy, on a libOS. */
export type OurCommand = (idle?: string, libos?: string) => ServerCommand;

/** One of ours: a program, and options of its own. Its name tells what is not as it is by default. */
export function ours(
  file: string,
  name: string,
  own: Readonly<Record<string, string>> = {},
): OurCommand {
  return (idle = "adaptive", libos = "catnap") => {
    // What is behind the name tells the wire.
    const flags = { port: "0", ...own, idle, libos: libos.split("/")[0]! };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const unusual = [idle, libos].filter((of) => of !== "adaptive" && of !== "catnap");
    return { name: [name, ...unusual].join(", "), argv: [...deno(`../${file}`), ...args] };
  };
}

/** Our echo servers, by the kind of handler. */
export const OUR_ECHO = {
  generator: ours("examples/tcp_echo.ts", "ours, generator", { handler: "generator" }),
  iterator: ours("examples/tcp_echo.ts", "ours, iterator", { handler: "iterator" }),
};

/** Returns the command line that runs a program of `bench/` in Deno, whose own datagrams are unstable. */
function deno(file: string): string[] {
  return [Deno.execPath(), "run", "-A", "--unstable-net", path(`../${file}`)];
}

/** A peer in Deno. */
export function inDeno(file: string, ...options: string[]): ServerCommand {
  return { name: file, argv: [...deno(`peers/${file}`), ...options] };
}

/** A peer in C. */
export async function inC(
  machine: Machine,
  peer: string,
  ...options: string[]
): Promise<ServerCommand> {
  return { name: peer, argv: [await buildPeer(machine, peer), ...options] };
}

/** A peer in C that is its own client, with the options of `load_echo.c`: no other speaks to it. */
export async function onRings(machine: Machine, peer: string): Promise<ServerCommand> {
  const client = await buildPeer(machine, peer);
  return { name: peer, argv: [client], client };
}

/** A script for Node.js, or Bun, at `program`. */
export function script(program: string, file: string, ...options: string[]): ServerCommand {
  return { name: file, argv: [program, path(`../peers/${file}`), ...options] };
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

/** A server that collects its garbage on SIGUSR2, if it is in Deno. */
export function collectable({ argv, ...rest }: ServerCommand): ServerCommand {
  const [deno, run, ...others] = argv;
  if (deno !== Deno.execPath()) return { argv, ...rest };
  const preload = `--preload=${path("./collect_on_signal.ts")}`;
  return { ...rest, argv: [deno!, run!, "--v8-flags=--expose-gc", preload, ...others] };
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
