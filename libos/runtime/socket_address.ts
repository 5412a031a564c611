/**
 * Socket addresses of PDPIX as the kernel has them, and upstream after it: checked and laid out, and read back.
 *
 * @module
 */

import { decodeSockaddr, encodeSockaddr, SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { isIPv4 } from "node:net";
import { formatAddress, parseAddress } from "./address.ts";
import { DemikernelError, inspect } from "../error.ts";
import type { Domain, InetAddress, SocketAddress } from "../pdpix.ts";

/** The index of a network interface by its name; 0 if there is none. */
export type InterfaceIndex = (name: string) => number;

/** As {@linkcode InterfaceIndex}, where interfaces have no names. */
function noInterface(): number {
  return 0;
}

/**
 * Lays an address out for a socket of a domain.
 *
 * @throws {DemikernelError} `EINVAL` for what is no address, `EAFNOSUPPORT` for one of another domain.
 */
export function layOut(
  address: SocketAddress,
  domain: Domain,
  operation: string,
  qd: number,
  interfaceIndex: InterfaceIndex = noInterface,
): Uint8Array<ArrayBuffer> {
  const refuse = (errno: "EINVAL" | "EAFNOSUPPORT", detail: string) =>
    new DemikernelError(errno, operation, { qd, detail });
  if (typeof address !== "object" || address === null) {
    throw refuse("EINVAL", `an address is an object, not ${inspect(address)}`);
  }
  if (domain === "unix") return layOutPath(address, refuse);
  if (!("hostname" in address)) {
    throw refuse("EAFNOSUPPORT", "the socket needs an address with hostname and port");
  }
  const { hostname, port } = address;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65535)) {
    throw refuse(
      "EINVAL",
      `a port must be an integer from 0 to 65535, not ${inspect(port)}`,
    );
  }
  const parsed = typeof hostname === "string" ? parseAddress(hostname) : null;
  if (parsed === null) {
    throw refuse(
      "EINVAL",
      `${inspect(hostname)} is no IPv4 or IPv6 address; resolve names first`,
    );
  }
  if ((parsed.bytes.length === 4) !== (domain === "inet")) {
    throw refuse("EAFNOSUPPORT", `${hostname} is not an address of domain ${domain}`);
  }
  const named = !/^\d*$/.test(parsed.zone);
  const scope = named ? interfaceIndex(parsed.zone) : Number(parsed.zone);
  if (scope > 0xffffffff || (named && scope === 0)) {
    throw refuse("EINVAL", `the zone of ${hostname} must be the name or the index of an interface`);
  }
  return encodeSockaddr({ address: parsed.bytes, port, scope });
}

/**
 * As {@linkcode layOut}, for where a socket connects or pushes to: an IPv6 socket reaches IPv4 as well, by mapped
 * addresses (RFC 3493, section 3.7).
 */
export function layOutTarget(
  address: SocketAddress,
  domain: Domain,
  operation: string,
  qd: number,
  interfaceIndex?: InterfaceIndex,
): Uint8Array<ArrayBuffer> {
  const hostname: unknown = (address as InetAddress | null)?.hostname;
  const mapped = domain === "inet6" && typeof hostname === "string" && isIPv4(hostname);
  const target = mapped
    ? { hostname: `::ffff:${hostname}`, port: (address as InetAddress).port }
    : address;
  return layOut(target, domain, operation, qd, interfaceIndex);
}

function layOutPath(
  address: SocketAddress,
  refuse: (errno: "EINVAL" | "EAFNOSUPPORT", detail: string) => DemikernelError,
): Uint8Array<ArrayBuffer> {
  if (!("path" in address)) {
    throw refuse("EAFNOSUPPORT", "a Unix socket needs an address with path");
  }
  if (typeof address.path !== "string" || address.path === "") {
    throw refuse("EINVAL", "the path of a Unix socket must not be empty");
  }
  if (!address.path.isWellFormed()) throw refuse("EINVAL", "the path is no well-formed text");
  const path = new TextEncoder().encode(address.path);
  if (path.indexOf(0, 1) >= 0) throw refuse("EINVAL", "the path has a NUL within");
  if (path.length >= SOCKADDR.UN.PATH_MAX) {
    throw refuse(
      "EINVAL",
      `the path is ${path.length} bytes long; ${SOCKADDR.UN.PATH_MAX - 1} is the most`,
    );
  }
  return encodeSockaddr({ path });
}

/** Reads an address that the kernel wrote; one of IPv4 is told as such, also where an IPv6 socket has it. */
export function readAddress(bytes: Uint8Array<ArrayBuffer>): SocketAddress {
  const parts = decodeSockaddr(bytes);
  if ("path" in parts) {
    return { path: new TextDecoder("utf-8", { ignoreBOM: true }).decode(parts.path) };
  }
  const hostname = formatAddress(parts.address);
  return {
    hostname: parts.scope === 0 ? hostname : `${hostname}%${parts.scope}`,
    port: parts.port,
  };
}
