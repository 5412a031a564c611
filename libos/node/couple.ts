/**
 * What sockets of `node:tls` lack that are over a stream, and not over a socket of Node's: addresses, and back-pressure.
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

/**
 * Gives a socket of TLS the addresses of the connection beneath it, which `request.ip` of Express shows, for example; and
 * has the connection read no faster than the socket is: Deno goes on to decrypt for one that is paused.
 */
export function couple(secure: TLSSocket, socket: ConnectionDuplex): void {
  for (const name of ADDRESSES) {
    Object.defineProperty(secure, name, { configurable: true, get: () => socket[name] });
  }
  socket.on("data", () => {
    if (secure.readableLength >= secure.readableHighWaterMark) socket.pause();
  });
  const read = secure._read;
  secure._read = (size) => {
    if (socket.isPaused()) socket.resume();
    read.call(secure, size);
  };
}
