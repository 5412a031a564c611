/**
 * The libOSes and providers in the build: the columns of the table.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import type { LibOS, SocketAddress, SocketType } from "../../libos/pdpix.ts";
import type { Sockets, Subject } from "./subject.ts";

let names = 0;

const STRANGERS: Record<"inet" | "inet6", SocketAddress> = {
  inet: { hostname: "::1", port: 0 },
  inet6: { hostname: "127.0.0.1", port: 0 },
};

/** Sockets with IP addresses, on loopback. The addresses of others are those that RFCs keep for examples. */
function inet(domain: "inet" | "inet6", type: SocketType): Sockets {
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

/** Unix sockets, with names that no file has. */
function unix(type: SocketType): Sockets {
  return {
    domain: "unix",
    type,
    address: () => ({ path: `\0demikernel-contract-${Deno.pid}-${names++}` }),
    stranger: STRANGERS.inet6,
  };
}

const CATNAP = {
  libos: "catnap",
  provider: "typescript",
  isolated: false,
  open: (options = {}): LibOS => open({ libos: "catnap", ...options }),
} as const satisfies Partial<Subject>;

function catnapInet(domain: "inet" | "inet6"): Subject {
  return {
    ...CATNAP,
    name: `catnap ${domain}`,
    features: ["stream", "datagram", "inet", "channel", "duplex", "bytes", "end", "nodelay"],
    stream: inet(domain, "stream"),
    datagram: inet(domain, "dgram"),
    deviations: {},
  };
}

function catnapUnix(type: "stream" | "seqpacket"): Subject {
  return {
    ...CATNAP,
    name: `catnap unix ${type}`,
    features: ["stream", "channel", "duplex", "end", type === "stream" ? "bytes" : "records"],
    stream: unix(type),
    deviations: {},
  };
}

/** The in-memory queue that every libOS has: both ends of its channel are one. */
const QUEUE: Subject = {
  ...CATNAP,
  name: "queue",
  features: ["queue", "channel", "records"],
  deviations: {},
  channel(libos) {
    const qd = libos.queue();
    return { from: qd, to: qd };
  },
};

/** All of them. */
export const SUBJECTS: readonly Subject[] = [
  catnapInet("inet"),
  catnapInet("inet6"),
  catnapUnix("stream"),
  catnapUnix("seqpacket"),
  QUEUE,
];

/** The one of a name. */
export function subjectOf(name: string): Subject {
  const subject = SUBJECTS.find((one) => one.name === name);
  if (subject !== undefined) return subject;
  throw new Error(
    `there is no subject "${name}"; there is ${SUBJECTS.map((one) => one.name).join(", ")}`,
  );
}
