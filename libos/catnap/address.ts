/**
 * Addresses as the kernel writes them: those of sockets, and those that datagrams come from, each read once and kept.
 *
 * @module
 */

import type { Libc } from "../../ffi/libc/load.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { readAddress } from "../runtime/socket_address.ts";
import type { InetAddress, SocketAddress } from "../pdpix.ts";

/** The layout of a socket's address, or of its peer's; null if the kernel does not tell, and says so in `errno`. */
export function nameOf(
  libc: Libc,
  fd: number,
  call: "getsockname" | "getpeername",
): Uint8Array<ArrayBuffer> | null {
  const layout = new Uint8Array(SOCKADDR.UN.SIZE);
  const length = Uint32Array.of(layout.length);
  return libc[call](fd, layout, length) < 0 ? null : layout.subarray(0, length[0]);
}

/** The address of a datagram: it keeps its layout, so that a reply to it costs no conversion. */
export class PeerAddress implements InetAddress {
  readonly hostname: string;
  readonly port: number;
  /** Whether it is one of IPv4, as an IPv6 socket has it (RFC 4291, section 2.5.5.2). */
  readonly mapped: boolean;
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
    this.mapped = copy.length === SOCKADDR.IN6.SIZE && !hostname.includes(":");
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
