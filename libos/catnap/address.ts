/**
 * Socket addresses of catnap: checked, laid out for the kernel, and read back.
 *
 * @module
 */

import { decodeSockaddr, encodeSockaddr, SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { formatAddress, parseAddress } from "../runtime/address.ts";
import { DemikernelError } from "../error.ts";
import type { Domain, InetAddress, SocketAddress } from "../pdpix.ts";

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
): Uint8Array<ArrayBuffer> {
  const refuse = (errno: "EINVAL" | "EAFNOSUPPORT", detail: string) =>
    new DemikernelError(errno, operation, { qd, detail });
  if (typeof address !== "object" || address === null) {
    throw refuse("EINVAL", `an address is an object, not ${Deno.inspect(address)}`);
  }
  if (domain === "unix") return layOutPath(address, refuse);
  if (!("hostname" in address)) {
    throw refuse("EAFNOSUPPORT", "the socket needs an address with hostname and port");
  }
  const { hostname, port } = address;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65535)) {
    throw refuse(
      "EINVAL",
      `a port must be an integer from 0 to 65535, not ${Deno.inspect(port)}`,
    );
  }
  const parsed = typeof hostname === "string" ? parseAddress(hostname) : null;
  if (parsed === null) {
    throw refuse(
      "EINVAL",
      `${Deno.inspect(hostname)} is no IPv4 or IPv6 address; resolve names first`,
    );
  }
  if ((parsed.bytes.length === 4) !== (domain === "inet")) {
    throw refuse("EAFNOSUPPORT", `${hostname} is not an address of domain ${domain}`);
  }
  const scope = Number(parsed.zone);
  if (!(/^\d*$/.test(parsed.zone) && scope <= 0xffffffff)) {
    throw refuse("EINVAL", `the zone of ${hostname} must be an interface's index`);
  }
  return encodeSockaddr({ address: parsed.bytes, port, scope });
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

/** Reads an address that the kernel wrote. */
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

/** The address of a datagram: it keeps its layout, so that a reply to it costs no conversion. */
export class PeerAddress implements InetAddress {
  readonly hostname: string;
  readonly port: number;
  /** The layout, as the kernel wrote it. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** Where that is. */
  readonly location: number;
  /** How long it is, in bytes. */
  readonly size: number;

  /** Keeps a layout. */
  constructor(layout: Uint8Array<ArrayBuffer>) {
    const copy = layout.slice();
    const { hostname, port } = readAddress(copy) as InetAddress;
    this.hostname = hostname;
    this.port = port;
    this.words = new Uint32Array(copy.buffer);
    this.location = addressOf(copy);
    this.size = copy.length;
  }
}

/** Whether an address, of which nothing was checked, names a peer by the text that the peer has. */
export function isAddress(address: SocketAddress, peer: PeerAddress): boolean {
  if (typeof address !== "object" || address === null || !("hostname" in address)) return false;
  return address.port === peer.port && address.hostname === peer.hostname;
}

/** How many peers are known at once. */
const PEERS = 1024;

/** The peers that datagrams came from lately, so that each is read once and not on every datagram. */
export class PeerTable {
  readonly #peers: (PeerAddress | null)[] = new Array(PEERS).fill(null);

  /** The peer of a layout of so many words. */
  find(words: Uint32Array<ArrayBuffer>, count: number): PeerAddress {
    let hash = 0;
    for (let i = 0; i < count; i++) hash = Math.imul(hash ^ words[i]!, 0x9e3779b1);
    const slot = hash >>> 22;
    const known = this.#peers[slot];
    if (known && known.words.length === count) {
      let same = 0;
      while (same < count && known.words[same] === words[same]) same++;
      if (same === count) return known;
    }
    const peer = new PeerAddress(new Uint8Array(words.buffer, words.byteOffset, 4 * count));
    this.#peers[slot] = peer;
    return peer;
  }
}
