/**
 * The sockets of subjects, with addresses on this host that nobody has.
 *
 * @module
 */

import type { Domain, SocketAddress, SocketType } from "../../libos/pdpix.ts";
import type { Sockets } from "./subject.ts";

/** IPv6 sockets reach IPv4 as well, so an address of that is no stranger to them. */
const STRANGERS = {
  inet: { hostname: "::1", port: 0 },
  inet6: { path: "/socket" },
  unix: { hostname: "127.0.0.1", port: 0 },
} as const satisfies Record<Domain, SocketAddress>;

/** Sockets with IP addresses, on loopback. The addresses of others are those that RFCs keep for examples. */
export function inet(domain: "inet" | "inet6", type: SocketType): Sockets {
  const [own, wildcard, nonlocal] = domain === "inet"
    ? ["127.0.0.1", "0.0.0.0", "192.0.2.1"] as const
    : ["::1", "::", "2001:db8::1"] as const;
  return {
    domain,
    type,
    address: () => ({ hostname: own, port: 0 }),
    wildcard,
    nonlocal,
    stranger: STRANGERS[domain],
  };
}

/** Unix sockets, with names that no file has, but where a file is asked for. */
export function unix(type: SocketType): Sockets {
  return {
    domain: "unix",
    type,
    address: () => ({ path: `\0demikernel-contract-${crypto.randomUUID()}` }),
    file: () => `/tmp/demikernel-contract-${crypto.randomUUID()}`,
    stranger: STRANGERS.unix,
  };
}
