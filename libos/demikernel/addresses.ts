/**
 * Addresses of native sockets: upstream has neither port 0 nor the wildcard address for TCP, and does not tell
 * a socket's own address; so ports are chosen here, and addresses are remembered.
 *
 * @module
 */

import { DemikernelError, Errno } from "../error.ts";
import { layOut } from "../runtime/socket_address.ts";
import type { InetAddress, SocketAddress } from "../pdpix.ts";

/** Where ports are chosen from: below what the library gives out itself. */
const FIRST_PORT = 32768;
const PORTS = 16384;
/** So many ports are tried before it is told that there is none. */
const ATTEMPTS = 256;

/** Binds to an address with a `struct sockaddr`; gives 0 or a negative errno. */
export type TryBind = (layout: Uint8Array<ArrayBuffer>) => number;

/**
 * Binds to an address. The wildcard becomes the one address that the libOS has; port 0 a free port.
 *
 * @returns Where it is bound.
 * @throws {DemikernelError} `EINVAL` and `EAFNOSUPPORT` for what is no IPv4 address, `EADDRINUSE`,
 * `EADDRNOTAVAIL`, `EACCES`.
 */
export function bindSomewhere(
  address: SocketAddress,
  own: string,
  qd: number,
  tryBind: TryBind,
): InetAddress {
  layOut(address, "inet", "bind", qd);
  const { hostname: asked, port: fixed } = address as InetAddress;
  const hostname = asked === "0.0.0.0" ? own : asked;
  let result = 0;
  const first = Math.trunc(Math.random() * PORTS);
  for (let i = 0; i < (fixed === 0 ? ATTEMPTS : 1); i++) {
    const port = fixed === 0 ? FIRST_PORT + (first + i) % PORTS : fixed;
    result = tryBind(layOut({ hostname, port }, "inet", "bind", qd));
    // catloop's addresses are names in shared memory.
    if (result === -Errno.EEXIST) result = -Errno.EADDRINUSE;
    if (result >= 0) return { hostname, port };
    if (result !== -Errno.EADDRINUSE) break;
  }
  throw new DemikernelError(-result, "bind", { qd });
}
