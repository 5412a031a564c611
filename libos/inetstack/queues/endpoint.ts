/**
 * Addresses of sockets, from PDPIX and back.
 *
 * @module
 */

import { DemikernelError } from "../../error.ts";
import { IpAddress } from "../ip_address.ts";
import { layOut, layOutTarget } from "../../runtime/socket_address.ts";
import type { Domain, InetAddress, SocketAddress } from "../../pdpix.ts";

/** The zone of the one interface: what an address of the link is followed by (RFC 4007, section 11). */
const ZONE = 1;

/** An address and a port. */
export interface Endpoint {
  /** The address. */
  readonly address: IpAddress;
  /** The port. */
  readonly port: number;
}

/** Reads an address, checked as those of catnap are. Throws {@linkcode DemikernelError} `EINVAL`, `EAFNOSUPPORT`. */
export function readEndpoint(
  address: SocketAddress,
  domain: Domain,
  operation: string,
  qd: number,
): Endpoint {
  layOut(address, domain, operation, qd);
  const { hostname, port } = address as InetAddress;
  return { address: IpAddress.parse(hostname)!, port };
}

/**
 * As {@linkcode readEndpoint}, for where a socket of an own address connects or pushes to: one of IPv6 that has none reaches
 * IPv4 as well (RFC 3493, section 3.7), from every other one that is refused with `EAFNOSUPPORT`.
 */
export function readTarget(
  address: SocketAddress,
  domain: Domain,
  local: IpAddress,
  operation: string,
  qd: number,
): Endpoint {
  layOutTarget(address, domain, operation, qd);
  const { hostname, port } = address as InetAddress;
  const target = IpAddress.parse(hostname)!.unmapped;
  if (target.version !== local.version && !local.isUnspecified) {
    throw new DemikernelError("EAFNOSUPPORT", operation, {
      qd,
      detail: `no way leads from ${local} to ${hostname}`,
    });
  }
  return { address: target, port };
}

/** Writes an address. */
export function writeEndpoint(address: IpAddress, port: number): InetAddress {
  const zoned = address.version === 6 && address.isLinkLocal;
  return { hostname: zoned ? `${address}%${ZONE}` : String(address), port };
}

/** The version of the addresses of a domain. */
export function versionOf(domain: Domain): 4 | 6 {
  return domain === "inet" ? 4 : 6;
}

/** How many senders of datagrams are known at once. */
const PEERS = 1024;

/** The senders of datagrams, so that one that was heard of lately costs no conversion. */
export class PeerTable {
  readonly #peers: (PeerAddress | null)[] = new Array(PEERS).fill(null);

  /** The sender of words and a port. */
  find(
    version: 4 | 6,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    port: number,
  ): PeerAddress {
    const hash = Math.imul(w0 ^ w1 ^ w2 ^ Math.imul(w3 ^ port << 16, 0x9e3779b1), 0x85ebca6b);
    const slot = hash >>> 22;
    const known = this.#peers[slot];
    if (known && known.port === port && known.ip.is(w0, w1, w2, w3)) return known;
    return this.#peers[slot] = new PeerAddress(new IpAddress(version, w0, w1, w2, w3), port);
  }
}

/** The address of a peer: it keeps its form for the stack, so that a reply to it costs no conversion. */
export class PeerAddress implements InetAddress {
  readonly hostname: string;
  readonly port: number;
  /** The address. */
  readonly ip: IpAddress;

  /** Keeps an address. */
  constructor(ip: IpAddress, port: number) {
    this.hostname = writeEndpoint(ip, port).hostname;
    this.port = port;
    this.ip = ip;
  }
}
