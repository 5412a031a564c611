/**
 * catnip on memif, with another catnip at the other end, in either role.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import type { LibOS } from "../../libos/pdpix.ts";
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

/** In either role, of every version. */
export const CATNIP: readonly Subject[] = [memif("client", "inet6"), memif("server", "inet")];
