/**
 * The layouts of socket addresses: `sockaddr_in`, `sockaddr_in6` and `sockaddr_un`. The family is in host
 * order (little-endian on both processors), ports and addresses in network order.
 *
 * @module
 */

import { AF } from "./constants.ts";

/** Offsets and sizes, in bytes. */
export const SOCKADDR = {
  FAMILY: 0,
  IN: { PORT: 2, ADDRESS: 4, SIZE: 16 },
  IN6: { PORT: 2, ADDRESS: 8, SCOPE: 24, SIZE: 28 },
  UN: { PATH: 2, PATH_MAX: 108, SIZE: 110 },
} as const;

/** A socket address in parts. */
export type SockaddrParts =
  | {
    /** IPv4 or IPv6, by the length of the address. */
    readonly address: Uint8Array<ArrayBuffer>;
    /** 0 to 65535. */
    readonly port: number;
    /** The index of the interface of a link-local IPv6 address, or 0. */
    readonly scope: number;
  }
  | {
    /** The path, without the NUL at its end; an abstract one begins with NUL. */
    readonly path: Uint8Array<ArrayBuffer>;
  };

/** Lays a socket address out as the kernel reads it. A path must be at most 107 bytes long. */
export function encodeSockaddr(parts: SockaddrParts): Uint8Array<ArrayBuffer> {
  if ("path" in parts) {
    // A path in the file system ends in NUL; an abstract name is as long as it is.
    const terminator = parts.path.length > 0 && parts.path[0] !== 0 ? 1 : 0;
    const bytes = new Uint8Array(SOCKADDR.UN.PATH + parts.path.length + terminator);
    bytes[SOCKADDR.FAMILY] = AF.UNIX;
    bytes.set(parts.path, SOCKADDR.UN.PATH);
    return bytes;
  }
  const layout = parts.address.length === 4 ? SOCKADDR.IN : SOCKADDR.IN6;
  const bytes = new Uint8Array(layout.SIZE);
  const view = new DataView(bytes.buffer);
  bytes[SOCKADDR.FAMILY] = layout === SOCKADDR.IN ? AF.INET : AF.INET6;
  view.setUint16(layout.PORT, parts.port);
  bytes.set(parts.address, layout.ADDRESS);
  if (layout === SOCKADDR.IN6) view.setUint32(SOCKADDR.IN6.SCOPE, parts.scope, true);
  return bytes;
}

/** Reads a socket address that the kernel wrote. */
export function decodeSockaddr(bytes: Uint8Array<ArrayBuffer>): SockaddrParts {
  const family = bytes[SOCKADDR.FAMILY];
  if (family === AF.UNIX) {
    const path = bytes.slice(SOCKADDR.UN.PATH);
    // A path in the file system is told with its NUL; an abstract name begins with one.
    const end = path[0] === 0 ? path.length : path.indexOf(0);
    return { path: end < 0 ? path : path.slice(0, end) };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const layout = family === AF.INET ? SOCKADDR.IN : SOCKADDR.IN6;
  const length = layout === SOCKADDR.IN ? 4 : 16;
  return {
    address: bytes.slice(layout.ADDRESS, layout.ADDRESS + length),
    port: view.getUint16(layout.PORT),
    scope: layout === SOCKADDR.IN6 ? view.getUint32(SOCKADDR.IN6.SCOPE, true) : 0,
  };
}
