/**
 * Every server that there is: the peers and ours, by protocol.
 *
 * @module
 */
import { findBun } from "../_harness/bun.ts";
import { BenchmarkError } from "../_harness/command_line.ts";
import { cDemikernelEcho } from "../_harness/demikernel_peer.ts";
import { loadEcho, loadHttp, loadKeyValue, type LoadResult } from "../_harness/load.ts";
import type { Machine } from "../_harness/machine.ts";
import type { Server, ServerCommand } from "../_harness/server.ts";
import {
  inC,
  inDeno,
  onRings,
  OUR_ECHO,
  type OurCommand,
  ours,
  redisServer,
  script,
} from "../_harness/targets.ts";
import { findNode, which } from "../_harness/which.ts";
import type { Upstream } from "./reach.ts";

/**
 * What a server serves: an echo over TCP or over UDP; one over TCP that awaits something else, on a port for each of
 * `AWAITED`; the protocol of Redis; or HTTP, and on a second port, if it has one, an echo over TCP.
 */
export type Protocol = "tcp" | "udp" | "awaits" | "kv" | "http";

/** Whose engine runs a server; one in C has none. */
export type Runtime = "c" | "v8" | "jsc";

/** What it takes to find a peer. */
export interface PeerSearch {
  /** Where. */
  readonly machine: Machine;
  /** The libOS of C programs on libdemikernel, if it has one. */
  readonly upstream: Upstream | undefined;
  /** Whether to fetch from npm what is not installed. */
  readonly fetch: boolean;
}

/** A server that may be there. */
export interface Entry {
  /** What tables call it. */
  readonly name: string;
  /** Its name on the command line. */
  readonly id: string;
  /** Whose engine runs it. */
  readonly runtime: Runtime;
  /** Whether it serves more than one client at a time. */
  readonly many: boolean;
  /** Whether it is on the libOS itself, and not on the kernel's sockets. */
  readonly onLibos: boolean;
  /** The libOS of ours, with its wire, beside which alone it makes sense. */
  readonly only: string | undefined;
  /** Gives how to start it. Fails with a {@linkcode BenchmarkError} if it is not there. */
  readonly find: (search: PeerSearch) => Promise<ServerCommand>;
}

/** One of ours, which runs on any libOS. */
export interface OurEntry {
  /** Its name on the command line. */
  readonly id: string;
  /** How to start it. */
  readonly command: OurCommand;
}

/** Without a protocol: their frames are the same, whatever would be in them. */
const ON_DEVICES: readonly Entry[] = [
  peer("c-memif", "C on memif", "c", ({ machine }) => onRings(machine, "memif_echo"), {
    only: "catnip",
  }),
  peer("c-xdp", "C on AF_XDP", "c", ({ machine }) => onRings(machine, "xdp_echo"), {
    onLibos: true,
    only: "catpowder/xdp-both",
  }),
];

/** The peers, in the order in which they are to be shown. */
export const PEERS: Record<Protocol, readonly Entry[]> = {
  tcp: [
    peer("c-spin", "C spin", "c", ({ machine }) => inC(machine, "echo_spin"), { many: false }),
    peer("c-epoll-spin", "C epoll spin", "c", ({ machine }) => inC(machine, "echo_epoll")),
    peer("c-epoll", "C epoll", "c", ({ machine }) => inC(machine, "echo_epoll", "--block")),
    peer("c-demikernel", "C on libdemikernel", "c", ({ machine, upstream }) => {
      if (upstream === undefined) throw new BenchmarkError("libdemikernel has no such libOS");
      return cDemikernelEcho(machine, upstream);
    }, { onLibos: true }),
    peer("c-ucx", "C on UCX", "c", ({ machine }) => inC(machine, "ucx_echo"), {
      many: false,
      onLibos: true,
      only: "catmint",
    }),
    ...ON_DEVICES,
    peer("deno-listen", "Deno.listen", "v8", () => inDeno("deno_echo.ts")),
    peer("node", "node", "v8", () => script(node(), "node_echo.mjs")),
    peer("bun", "Bun", "jsc", async (search) => script(await bun(search), "bun_echo.mjs")),
  ],
  udp: [
    peer("c-spin", "C spin", "c", ({ machine }) => inC(machine, "echo_spin", "--udp")),
    ...ON_DEVICES,
    peer("deno-listen", "Deno.listenDatagram", "v8", () => inDeno("deno_echo.ts", "--udp")),
    peer("node", "node", "v8", () => script(node(), "node_echo.mjs", "--udp")),
    peer("bun", "Bun", "jsc", async (search) => script(await bun(search), "bun_echo.mjs", "--udp")),
  ],
  awaits: [peer("deno-listen", "Deno.listen", "v8", () => inDeno("deno_echo.ts", "--awaiting"))],
  kv: [peer("redis-server", "redis-server", "c", () => redisServer(redis()))],
  http: [
    peer("deno-serve", "Deno.serve alone", "v8", () => inDeno("deno_serve.ts")),
    peer("deno-serve-http", "Deno.serve", "v8", () => inDeno("http.mjs")),
    peer("node-http", "node:http", "v8", () => script(node(), "http.mjs")),
    peer("bun-http", "Bun.serve", "jsc", async (search) => script(await bun(search), "http.mjs")),
  ],
};

/** Ours, likewise. */
export const OURS: Record<Protocol, readonly OurEntry[]> = {
  tcp: [
    { id: "ours-generator", command: OUR_ECHO.generator },
    { id: "ours-iterator", command: OUR_ECHO.iterator },
  ],
  udp: [{ id: "ours-generator", command: ours("examples/udp_echo.ts", "ours, generator") }],
  awaits: (["generator", "iterator"] as const).map((handler) => ({
    id: `ours-${handler}`,
    command: ours("bench/peers/our_awaiting_echo.ts", `ours, ${handler}`, { handler }),
  })),
  kv: [{ id: "ours-generator", command: ours("examples/kv.ts", "ours, kv.ts") }],
  http: [
    { id: "ours-idle", command: ours("bench/peers/our_echo_beside_serve.ts", "ours, idle") },
    { id: "ours-fast", command: ours("bench/peers/our_http.ts", "ours, fast", { tier: "fast" }) },
    {
      id: "ours-fetch",
      command: ours("bench/peers/our_http.ts", "ours, fetch", { tier: "fetch" }),
    },
    { id: "ours-busy", command: ours("bench/peers/our_echo_beside_serve.ts", "ours, busy") },
  ],
};

/** Makes so many requests of a server, or as many as there is time for, in milliseconds; 0 for no limit. */
export type Requests = (
  machine: Machine,
  server: Server,
  count: number,
  timeLimit?: number,
) => Promise<LoadResult>;

const echoes = (udp = false): Requests => (machine, server, iterations, timeLimit = 0) =>
  loadEcho(machine, server, { iterations, timeLimit, udp });

/** Requests of the plainest kind: to know that a server can be reached, and to warm it up. */
export const REQUESTS: Readonly<Record<Protocol, Requests>> = {
  tcp: echoes(),
  udp: echoes(true),
  awaits: echoes(),
  // Over several connections they go faster.
  kv: (machine, server, count, timeLimit = 0) =>
    loadKeyValue(machine, server, { iterations: 2 * count, connections: 10, timeLimit }),
  http: (machine, server, iterations, timeLimit = 0) =>
    loadHttp(machine, server, { iterations, timeLimit }),
};

/** Every id, of any protocol. */
export const SUBJECT_IDS: readonly string[] = [
  ...new Set(
    [...Object.values(PEERS), ...Object.values(OURS)].flatMap((entries) =>
      entries.map(({ id }) => id)
    ),
  ),
];

function peer(
  id: string,
  name: string,
  runtime: Runtime,
  find: (search: PeerSearch) => Promise<ServerCommand> | ServerCommand,
  { many = true, onLibos = false, only }: {
    many?: boolean;
    onLibos?: boolean;
    only?: string;
  } = {},
): Entry {
  const named = async (search: PeerSearch) => ({ ...await find(search), name });
  return { id, name, runtime, many, onLibos, only, find: named };
}

async function bun(search: PeerSearch): Promise<string> {
  return (await findBun(search)).path;
}

function node(): string {
  const path = findNode();
  if (path === undefined) throw new BenchmarkError("no node on PATH: install Node.js");
  return path;
}

function redis(): string {
  const path = which("redis-server");
  if (path === undefined) throw new BenchmarkError("no redis-server on PATH: install Redis");
  return path;
}
