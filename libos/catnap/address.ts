/**
 * Addresses as the kernel writes them: those of sockets, and those that datagrams come from, each read once and kept.
 *
 * @module
 */

import { SOCK } from "../../ffi/libc/constants.ts";
import type { Libc } from "../../ffi/libc/load.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { readAddress } from "../runtime/socket_address.ts";
import type { InetAddress, SocketAddress } from "../pdpix.ts";

/** An address as the kernel wrote it: its length in bytes, and its words. An array of bytes costs thirty times as much. */
export type Name = readonly number[];

/** Where the kernel writes an address, and its length. */
const NAME = new Int32Array(Math.ceil(SOCKADDR.UN.SIZE / 4));
const NAME_BYTES = new Uint8Array(NAME.buffer);
const NAME_LENGTH = new Uint32Array(1);

/** The name of a socket, or of its peer; null if the kernel does not tell, and says so in `errno`. */
export function nameOf(libc: Libc, fd: number, call: "getsockname" | "getpeername"): Name | null {
  NAME_LENGTH[0] = SOCKADDR.UN.SIZE;
  return libc[call](fd, NAME, NAME_LENGTH) < 0 ? null : takeName();
}

/** Accepts a connection; gives its descriptor, or a negative number. */
export function acceptFrom(libc: Libc, fd: number): number {
  NAME_LENGTH[0] = SOCKADDR.UN.SIZE;
  return libc.accept4(fd, NAME, NAME_LENGTH, SOCK.NONBLOCK | SOCK.CLOEXEC);
}

/** The name that the kernel wrote last: after {@linkcode acceptFrom}, that of the peer. */
export function takeName(): Name {
  const length = NAME_LENGTH[0]!;
  const words = (length + 3) >> 2;
  const name = new Array<number>(1 + words);
  name[0] = length;
  for (let i = 0; i < words; i++) name[1 + i] = NAME[i]!;
  return name;
}

/** The name of a layout. */
export function makeName(layout: Uint8Array<ArrayBuffer>): Name {
  NAME_BYTES.set(layout);
  NAME_LENGTH[0] = layout.length;
  return takeName();
}

/** The address of a name. */
export function readName([length, ...words]: Name): SocketAddress {
  return readAddress(new Uint8Array(Int32Array.from(words).buffer, 0, length));
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
