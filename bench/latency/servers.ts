/**
 * Every server that there is: the peers and ours, by protocol.
 *
 * @module
 */
import { findBun } from "../_harness/bun.ts";
import { checkHttp, checkTcpEcho, checkUdpEcho } from "../_harness/check_echo.ts";
import { BenchmarkError } from "../_harness/command_line.ts";
import { cDemikernelEcho } from "../_harness/demikernel_peer.ts";
import { loadEcho, loadHttp, loadKeyValue } from "../_harness/load.ts";
import type { Machine } from "../_harness/machine.ts";
import { findNode } from "../_harness/node.ts";
import { checkKeyValueServer } from "../_harness/redis_protocol.ts";
import type { Server, ServerCommand } from "../_harness/server.ts";
import {
  bunEcho,
  cEpollEcho,
  cMemifEcho,
  cSpinEcho,
  cUcxEcho,
  cUdpSpinEcho,
  denoDatagramEcho,
  denoListenEcho,
  denoServe,
  denoServeHttp,
  nodeEcho,
  otherHttp,
  ourAwaitingEcho,
  ourEcho,
  ourEchoBesideServe,
  ourHttp,
  ourKeyValueServer,
  ourUdpEcho,
  redisServer,
} from "../_harness/targets.ts";
import { which } from "../_harness/which.ts";
import type { LibOSName } from "../../mod.ts";
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
  /** The libOS of ours beside which alone it makes sense. */
  readonly only: LibOSName | undefined;
  /** Gives how to start it. Fails with a {@linkcode BenchmarkError} if it is not there. */
  readonly find: (search: PeerSearch) => Promise<ServerCommand>;
}

/** One of ours, which runs on any libOS. */
export interface OurEntry {
  /** Its name on the command line. */
  readonly id: string;
  /** How to start it. */
  readonly command: (idle: string, libos: string) => ServerCommand;
}

/** Its frames are the same, whatever would be in them. */
const ON_MEMIF: Entry = peer("c-memif", "C on memif", "c", ({ machine }) => cMemifEcho(machine), {
  many: false,
  only: "catnip",
});

/** The peers, in the order in which they are to be shown. */
export const PEERS: Record<Protocol, readonly Entry[]> = {
  tcp: [
    peer("c-spin", "C spin", "c", ({ machine }) => cSpinEcho(machine), { many: false }),
    peer("c-epoll-spin", "C epoll spin", "c", ({ machine }) => cEpollEcho(machine, false)),
    peer("c-epoll", "C epoll", "c", ({ machine }) => cEpollEcho(machine, true)),
    peer(
      "c-demikernel",
      "C on libdemikernel",
      "c",
      ({ machine, upstream }) => {
        if (upstream === undefined) throw new BenchmarkError("libdemikernel has no such libOS");
        return cDemikernelEcho(machine, upstream.configuration, upstream.libos);
      },
      { onLibos: true },
    ),
    peer("c-ucx", "C on UCX", "c", ({ machine }) => cUcxEcho(machine), {
      many: false,
      onLibos: true,
      only: "catmint",
    }),
    ON_MEMIF,
    peer("deno-listen", "Deno.listen", "v8", () => denoListenEcho()),
    peer("node", "node", "v8", () => nodeEcho(node(), "tcp")),
    peer("bun", "Bun", "jsc", async (search) => bunEcho((await findBun(search)).path, "tcp")),
  ],
  udp: [
    peer("c-spin", "C spin", "c", ({ machine }) => cUdpSpinEcho(machine)),
    ON_MEMIF,
    peer("deno-listen", "Deno.listenDatagram", "v8", () => denoDatagramEcho()),
    peer("node", "node", "v8", () => nodeEcho(node(), "udp")),
    peer("bun", "Bun", "jsc", async (search) => bunEcho((await findBun(search)).path, "udp")),
  ],
  awaits: [peer("deno-listen", "Deno.listen", "v8", () => denoListenEcho(true))],
  kv: [
    peer("redis-server", "redis-server", "c", () => redisServer(redis())),
  ],
  http: [
    peer("deno-serve", "Deno.serve alone", "v8", () => denoServe()),
    peer("deno-serve-http", "Deno.serve", "v8", () => denoServeHttp()),
    peer("node-http", "node:http", "v8", () => otherHttp("node:http", node())),
    peer(
      "bun-http",
      "Bun.serve",
      "jsc",
      async (search) => otherHttp("Bun.serve", (await findBun(search)).path),
    ),
  ],
};

/** Ours, likewise. */
export const OURS: Record<Protocol, readonly OurEntry[]> = {
  tcp: [
    { id: "ours-generator", command: (idle, libos) => ourEcho("generator", idle, libos) },
    { id: "ours-iterator", command: (idle, libos) => ourEcho("iterator", idle, libos) },
  ],
  udp: [{ id: "ours-generator", command: ourUdpEcho }],
  awaits: [
    { id: "ours-generator", command: (idle, libos) => ourAwaitingEcho("generator", idle, libos) },
    { id: "ours-iterator", command: (idle, libos) => ourAwaitingEcho("iterator", idle, libos) },
  ],
  kv: [{ id: "ours-generator", command: ourKeyValueServer }],
  http: [
    { id: "ours-idle", command: (idle, libos) => ourEchoBesideServe("ours, idle", idle, libos) },
    { id: "ours-fast", command: (idle, libos) => ourHttp("fast", idle, libos) },
    { id: "ours-fetch", command: (idle, libos) => ourHttp("fetch", idle, libos) },
    { id: "ours-busy", command: (idle, libos) => ourEchoBesideServe("ours, busy", idle, libos) },
  ],
};

/** One request, to know that a server of ours can be reached, by a client here on the kernel's sockets. */
export const CHECKS: Record<Protocol, (server: Server) => Promise<void>> = {
  tcp: checkTcpEcho,
  udp: checkUdpEcho,
  awaits: checkTcpEcho,
  kv: checkKeyValueServer,
  http: checkHttp,
};

/** The same on another wire, where the clients that measure are the ones that get through. */
export const CHECKS_ON_WIRES: Record<
  Protocol,
  (machine: Machine, server: Server) => Promise<unknown>
> = {
  tcp: (machine, server) => loadEcho(machine, server, { iterations: 1 }),
  udp: (machine, server) => loadEcho(machine, server, { iterations: 1, udp: true }),
  awaits: (machine, server) => loadEcho(machine, server, { iterations: 1 }),
  kv: (machine, server) => loadKeyValue(machine, server, { requests: 1, connections: 1, keys: 1 }),
  http: (machine, server) => loadHttp(machine, server, { iterations: 1 }),
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
    only?: LibOSName;
  } = {},
): Entry {
  return { id, name, runtime, many, onLibos, only, find: async (search) => await find(search) };
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
