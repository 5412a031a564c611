/**
 * A socket of UDP: its address, its peer, and the datagrams that wait to be taken.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { BufferHeap } from "../../runtime/memory/heap.ts";
import type { Chunk } from "../../runtime/memory/chunk.ts";
import { IpAddress } from "../ip_address.ts";
import type { Packet } from "../ip/packet.ts";

/** A datagram that waits. */
export class UdpDatagram {
  /** Where it is. */
  chunk: Chunk | null = null;
  /** How long it is. */
  length = 0;
  /** 4 or 6. */
  version: 4 | 6 = 4;
  /** Where it came from, as words of an {@linkcode IpAddress}. */
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  /** The port that it came from. */
  port = 0;
  /** The next one. */
  next: UdpDatagram | null = null;
}

/** Who has a socket. */
export interface UdpUser {
  /** There is a datagram. */
  readable(): void;
  /** A datagram that was sent did not arrive. */
  failed(errno: number): void;
}

/** See the module's description. */
export class UdpSocket {
  /** 4 or 6. */
  readonly version: 4 | 6;
  /** Its own address, or all of the host's. */
  local: IpAddress;
  /** Its own port; 0 if it has none yet. */
  port = 0;
  /** Whom it is connected to. */
  remote: IpAddress | null = null;
  /** The port there. */
  remotePort = 0;
  /** Who has it. */
  user: UdpUser | null = null;
  /** Whether it may send to all hosts of a link. */
  broadcast = false;
  /** Whether others may have its address too, if they say so as well. */
  reuse = false;
  /** How far what it sends to groups goes. */
  multicastTtl = 1;
  /** Whether that comes back to this host. */
  multicastLoopback = true;
  /** Bytes that may wait. */
  limit: number = BOUNDS.DATAGRAM_BYTES;
  #bytes = 0;
  #head: UdpDatagram | null = null;
  #tail: UdpDatagram | null = null;
  /** Those that were taken, to be used again. */
  #free: UdpDatagram | null = null;

  /** Makes a socket without an address. */
  constructor(version: 4 | 6) {
    this.version = version;
    this.local = IpAddress.any(version);
  }

  /** How well a datagram fits: 0 not at all, more for a socket that says more about whom it is for. */
  match(packet: Packet, from: number): number {
    const { local, remote } = this;
    // One of IPv6 that has no address of its own is for IPv4, too.
    const isDual = this.version === 6 && local.isUnspecified;
    if (packet.version !== local.version && !isDual) return 0;
    let score = 1;
    if (!local.isUnspecified) {
      if (!local.is(packet.d0, packet.d1, packet.d2, packet.d3)) return 0;
      score += 1;
    }
    if (remote !== null) {
      if (from !== this.remotePort) return 0;
      if (!remote.is(packet.s0, packet.s1, packet.s2, packet.s3)) return 0;
      score += 2;
    }
    return score;
  }

  /** Whether one more of a length may wait. */
  hasRoom(length: number): boolean {
    return this.#bytes + length + BOUNDS.DATAGRAM_OVERHEAD <= this.limit;
  }

  /** One more waits. */
  put(chunk: Chunk, length: number, packet: Packet, port: number): void {
    let one = this.#free;
    if (one === null) one = new UdpDatagram();
    else this.#free = one.next;
    one.next = null;
    one.chunk = chunk;
    one.length = length;
    one.version = packet.version;
    one.s0 = packet.s0;
    one.s1 = packet.s1;
    one.s2 = packet.s2;
    one.s3 = packet.s3;
    one.port = port;
    this.#bytes += length + BOUNDS.DATAGRAM_OVERHEAD;
    if (this.#tail === null) this.#head = one;
    else this.#tail.next = one;
    this.#tail = one;
  }

  /** Takes the oldest; what it tells is good until the next one is put. Null if none waits. */
  take(): UdpDatagram | null {
    const one = this.#head;
    if (one === null) return null;
    this.#head = one.next;
    if (this.#head === null) this.#tail = null;
    this.#bytes -= one.length + BOUNDS.DATAGRAM_OVERHEAD;
    one.next = this.#free;
    this.#free = one;
    return one;
  }

  /** Drops all that wait. */
  clear(heap: BufferHeap): void {
    for (let one = this.take(); one !== null; one = this.take()) heap.release(one.chunk!);
  }
}
