/**
 * catmint over UCX's transports, to itself and to another one.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import { WINDOW } from "../../libos/catmint/protocol.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { missingUcx } from "../_needs.ts";
import { inet } from "./sockets.ts";
import type { Subject } from "./subject.ts";

/** What UCX is told of transports, by their name: its own is for a libOS that talks with itself. */
const TRANSPORTS = { posix: "posix,self", tcp: "tcp,self" } as const;

const missing = missingUcx();

/** Opens one while the environment names the transports, which UCX reads then. */
function openOn(transport: keyof typeof TRANSPORTS, options: { debug?: boolean } = {}): LibOS {
  const before = Deno.env.get("UCX_TLS");
  Deno.env.set("UCX_TLS", TRANSPORTS[transport]);
  try {
    return open({ libos: "catmint", ...options });
  } finally {
    if (before === undefined) Deno.env.delete("UCX_TLS");
    else Deno.env.set("UCX_TLS", before);
  }
}

function catmint(transport: keyof typeof TRANSPORTS, domain: "inet" | "inet6"): Subject {
  return {
    name: `catmint ${transport} ${domain}`,
    libos: "catmint",
    provider: "typescript",
    isolated: true,
    missing,
    features: [
      "stream",
      "inet",
      "channel",
      "duplex",
      "bytes",
      "end",
      ...(domain === "inet6" ? ["ipv6"] as const : []),
    ],
    stream: inet(domain, "stream"),
    // What there is credit for, in memory of sizes that are powers of two.
    readAhead: 2 * WINDOW,
    deviations: {},
    open: (options) => openOn(transport, options),
    openPeer: () => openOn(transport),
  };
}

function toItself(transport: keyof typeof TRANSPORTS): Subject {
  const { openPeer: _, ...subject } = catmint(transport, "inet");
  return { ...subject, name: `catmint ${transport} to itself` };
}

/** Over each transport that every machine has, of either version, and to itself. */
export const CATMINT: readonly Subject[] = [
  catmint("posix", "inet"),
  catmint("posix", "inet6"),
  toItself("posix"),
  catmint("tcp", "inet"),
  toItself("tcp"),
];
