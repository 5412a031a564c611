/**
 * The packet that came and is being looked at: one object per host, written anew for each packet.
 *
 * @module
 */

import type { Interface } from "../ethernet/interface.ts";
import { IpAddress } from "../ip_address.ts";
import { fold, Memory, swap16 } from "../../runtime/memory/memory.ts";
import { halves } from "../wire/byte_order.ts";

/** The high word of mapped IPv4 addresses, as in {@linkcode IpAddress}. */
const MAPPED = 0xffff0000 | 0;
const NOTHING = new Memory(new ArrayBuffer(0));

/** See the module's description. Addresses are words as in {@linkcode IpAddress}. */
export class Packet {
  /** The interface that it came through. */
  iface: Interface = null as unknown as Interface;
  /** Where it lies: the device's memory, or that of fragments put together. */
  memory: Memory = NOTHING;
  /** The beginning of its first fragment with the IP header, as errors quote it, if it was put together; else null. */
  head: Memory | null = null;
  /** 4 or 6. */
  version: 4 | 6 = 4;
  /** Where its IP header begins. */
  start = 0;
  /** Where its payload begins, behind options and extension headers. */
  payload = 0;
  /** Length of the payload. */
  length = 0;
  /** What the payload is. */
  protocol = 0;
  /** Time to live, or hop limit. */
  hopLimit = 0;
  /** What routers told of congestion: one of {@linkcode ECN}. */
  ecn = 0;
  /** Whether the checksum of TCP or UDP need not be looked at. */
  verified = false;
  /** Whether it was to more than this host: on the link, or by its address. */
  group = false;
  /** Where it came from. */
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  /** Where it goes. */
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;

  /** Takes the addresses of an IPv4 header. */
  address4(source: number, destination: number): void {
    this.version = 4;
    this.s0 =
      this.s1 =
      this.d0 =
      this.d1 =
        0;
    this.s2 = this.d2 = MAPPED;
    this.s3 = source;
    this.d3 = destination;
  }

  /** Takes the addresses of an IPv6 header, whose first one begins at a word. */
  address6(memory: Memory, word: number): void {
    const { i32 } = memory;
    this.version = 6;
    this.s0 = i32[word]!;
    this.s1 = i32[word + 1]!;
    this.s2 = i32[word + 2]!;
    this.s3 = i32[word + 3]!;
    this.d0 = i32[word + 4]!;
    this.d1 = i32[word + 5]!;
    this.d2 = i32[word + 6]!;
    this.d3 = i32[word + 7]!;
  }

  /** Where it came from, as an object of its own. */
  get source(): IpAddress {
    return new IpAddress(this.version, this.s0, this.s1, this.s2, this.s3);
  }

  /** Where it goes, as an object of its own. */
  get destination(): IpAddress {
    return new IpAddress(this.version, this.d0, this.d1, this.d2, this.d3);
  }

  /** The sum of the pseudo-header of its protocol and length. */
  get pseudoSum(): number {
    const four = this.version === 4;
    return fold(
      (four
        ? 0
        : halves(this.s0) + halves(this.s1) + halves(this.s2) + halves(this.d0) + halves(this.d1) +
          halves(this.d2)) +
        halves(this.s3) + halves(this.d3) + (this.protocol << 8) +
        swap16(this.length),
    );
  }
}
