/**
 * catpowder on each of its devices: with the Linux kernel at the other end, and with another catpowder.
 *
 * @module
 */

import { BOUNDS } from "../../libos/inetstack/bounds.ts";
import { open } from "../../libos/open.ts";
import type { LibOS, SocketType } from "../../libos/pdpix.ts";
import {
  KernelLink,
  type Kind,
  KINDS,
  missingForLinks,
  openAt,
  OURS,
  PairLink,
  THEIRS,
} from "../_network/link.ts";
import { inet } from "./sockets.ts";
import type { Sockets, Subject } from "./subject.ts";

type Inet = "inet" | "inet6";

const missing = missingForLinks();

/**
 * To open and to close a packet socket, the kernel waits until all its processors have seen that (RCU): some 30 ms each, ten
 * times what the case takes.
 */
const PROCESSES: Readonly<Record<Kind, number>> = { tap: 1, packet: 4, xdp: 4 };

/** What is so of every libOS over our stack, and a function that marks who is at the other end. */
export function overStack(libos: string, domain: Inet) {
  const peers = new WeakSet<LibOS>();
  const sockets = (type: SocketType): Sockets => ({
    ...inet(domain, type),
    address: (libos) => ({ hostname: (peers.has(libos) ? THEIRS : OURS)[domain], port: 0 }),
  });
  const parts = {
    libos,
    provider: "typescript",
    features: ["stream", "datagram", "inet", "channel", "duplex", "bytes", "end", "nodelay"],
    stream: sockets("stream"),
    datagram: sockets("dgram"),
    // What fits in the window, in memory of sizes that are powers of two.
    readAhead: 2 * BOUNDS.RECEIVE_BUFFER,
    deviations: {},
  } as const satisfies Partial<Subject>;
  const asPeer = (one: LibOS): LibOS => {
    peers.add(one);
    return one;
  };
  return { parts, asPeer };
}

/** The sockets of the kernel's end are made on its host, where this process stays; so it is one of its own. */
function withKernel(kind: Kind, domain: Inet): Subject {
  const { parts, asPeer } = overStack("catpowder", domain);
  let link: KernelLink | undefined;
  return {
    ...parts,
    missing,
    name: `catpowder ${kind} ${domain}`,
    isolated: true,
    processes: PROCESSES[kind],
    open: (options = {}) => {
      if (link === undefined) {
        link = new KernelLink(kind);
        link.kernel.enter();
      }
      return openAt(link.port, OURS, options);
    },
    openPeer: () => asPeer(open("catnap")),
  };
}

function withItself(kind: Kind, domain: Inet): Subject {
  const { parts, asPeer } = overStack("catpowder", domain);
  let made: PairLink | undefined;
  const link = () => made ??= new PairLink(kind);
  return {
    ...parts,
    missing,
    name: `catpowder ${kind} ${domain} to itself`,
    isolated: PROCESSES[kind] > 1,
    processes: PROCESSES[kind],
    open: (options = {}) => openAt(link().ports[0], OURS, options),
    openPeer: () => asPeer(openAt(link().ports[1], THEIRS)),
  };
}

/** On every device, of every version, with either peer. */
export const CATPOWDER: readonly Subject[] = KINDS.flatMap((kind) =>
  (["inet", "inet6"] as const).flatMap((domain) => [
    withKernel(kind, domain),
    withItself(kind, domain),
  ])
);
