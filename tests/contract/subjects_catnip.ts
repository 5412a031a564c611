/**
 * catnip on memif, in either role, and on DPDK, with another catnip on memif at the other end.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { ealWith } from "../_network/network.ts";
import { missingDpdk } from "../_needs.ts";
import { OURS, prefixed, THEIRS } from "../_network/link.ts";
import type { Subject } from "./subject.ts";
import { overStack } from "./subjects_catpowder.ts";

/** Why there is no memif here; undefined if there is. */
const missing = Deno.build.os === "linux" ? undefined : "needs Linux";

/** Links that were made. */
let links = 0;

function memif(role: "client" | "server", domain: "inet" | "inet6"): Subject {
  const { parts, asPeer } = overStack("catnip", domain);
  const end = (ours: boolean): "client" | "server" =>
    ours === (role === "server") ? "server" : "client";
  const at = (ours: boolean, options = {}): LibOS =>
    open({
      libos: "catnip",
      device: { kind: "memif", socket: `@contract-${Deno.pid}-${links}`, role: end(ours) },
      addresses: prefixed(ours ? OURS : THEIRS),
      ...options,
    });
  return {
    ...parts,
    missing,
    name: `catnip memif ${role} ${domain}`,
    isolated: false,
    open: (options = {}) => {
      links++;
      return at(true, options);
    },
    openPeer: () => asPeer(at(false)),
  };
}

/** On DPDK's memif, which the native one meets: two that have nothing in common but what is written of memif. */
function dpdk(): Subject {
  const { parts, asPeer } = overStack("catnip", "inet");
  const socket = `contract-${Deno.pid}`;
  return {
    ...parts,
    missing: missing ?? missingDpdk("memif"),
    name: "catnip dpdk inet",
    // EAL stays in its process, and moves its thread to a core.
    isolated: true,
    // The interrupt thread of EAL 22.11 panics now and then when the other end of its memif goes, which it does after each
    // case: seven times in 270.
    attempts: 3,
    open: (options = {}) =>
      open({
        libos: "catnip",
        device: { kind: "dpdk", eal: ealWith(`net_memif0,role=server,socket=${socket}`) },
        addresses: prefixed(OURS),
        ...options,
      }),
    openPeer: () =>
      asPeer(
        open({ libos: "catnip", device: `memif:@${socket}`, addresses: prefixed(THEIRS) }),
      ),
  };
}

/** On memif in either role, and on DPDK. */
export const CATNIP: readonly Subject[] = [
  memif("client", "inet6"),
  memif("server", "inet"),
  dpdk(),
];
