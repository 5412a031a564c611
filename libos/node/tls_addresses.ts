/**
 * Addresses for sockets of `node:tls` that are over a stream: Node gives them none.
 *
 * @module
 */

import type { TLSSocket } from "node:tls";
import type { ConnectionDuplex } from "./duplex.ts";

const ADDRESSES = [
  "localAddress",
  "localPort",
  "localFamily",
  "remoteAddress",
  "remotePort",
  "remoteFamily",
] as const;

/** Gives a socket of TLS the addresses of the connection beneath it: what `request.ip` of Express shows, for example. */
export function lendAddresses(secure: TLSSocket, socket: ConnectionDuplex): void {
  for (const name of ADDRESSES) {
    Object.defineProperty(secure, name, { configurable: true, get: () => socket[name] });
  }
}
