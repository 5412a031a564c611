/**
 * The simulated network: two hosts of our own stack on one link, in virtual time; or one host that talks with itself.
 *
 * @module
 */

import { BOUNDS } from "../../libos/inetstack/bounds.ts";
import type { LibOS, SocketType } from "../../libos/pdpix.ts";
import type { SimulatedHost } from "../../libos/sim/host.ts";
import { simulate, type SimulatedNetwork } from "../../libos/sim/network.ts";
import type { Sockets, Subject } from "./subject.ts";

const ADDRESSES = {
  inet: [["10.0.0.1", 24], ["10.0.0.2", 24]],
  inet6: [["fd00::1", 64], ["fd00::2", 64]],
} as const;

const FEATURES = [
  "stream",
  "datagram",
  "inet",
  "channel",
  "duplex",
  "bytes",
  "end",
  "nodelay",
] as const;

const NETWORKS = new WeakMap<LibOS, SimulatedNetwork>();

function sockets(domain: keyof typeof ADDRESSES, type: SocketType): Sockets {
  return {
    domain,
    type,
    address: (libos) => {
      const { hostname } = libos as SimulatedHost;
      return { hostname: ADDRESSES[domain][hostname === "a" ? 0 : 1][0], port: 0 };
    },
    wildcard: domain === "inet" ? "0.0.0.0" : "::",
    nonlocal: domain === "inet" ? "192.0.2.1" : "2001:db8::1",
    stranger: domain === "inet" ? { hostname: "::1", port: 0 } : { path: "/socket" },
  };
}

function host(network: SimulatedNetwork, name: "a" | "b"): LibOS {
  const place = name === "a" ? 0 : 1;
  const addresses = Object.values(ADDRESSES).map((pair) => pair[place].join("/"));
  const made = network.host({ name, addresses });
  NETWORKS.set(made, network);
  return made;
}

function sim(domain: keyof typeof ADDRESSES, alone: boolean): Subject {
  return {
    name: alone ? `sim ${domain} to itself` : `sim ${domain}`,
    libos: "sim",
    provider: "typescript",
    isolated: false,
    features: [
      ...FEATURES,
      // The cases of both versions in one socket are of a host that talks with itself.
      ...(alone && domain === "inet6" ? ["ipv6"] as const : []),
    ],
    stream: sockets(domain, "stream"),
    datagram: sockets(domain, "dgram"),
    // What fits in the window, in memory of sizes that are powers of two.
    readAhead: 2 * BOUNDS.RECEIVE_BUFFER,
    deviations: {},
    open: (options = {}) => host(simulate({ seed: 1, check: true, ...options }), "a"),
    ...(alone ? {} : { openPeer: (libos: LibOS) => host(NETWORKS.get(libos)!, "b") }),
  };
}

/** On one link, and on none. */
export const SIM: readonly Subject[] = [
  sim("inet", false),
  sim("inet6", false),
  sim("inet", true),
  sim("inet6", true),
];
