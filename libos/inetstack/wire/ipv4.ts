/**
 * The header of IPv4 (RFC 791).
 *
 * @module
 */

import { halves } from "./byte_order.ts";
import { fold, type Memory, sum, swap16 } from "../../runtime/memory/memory.ts";

/** Where the fields are. */
export const IPV4 = Object.freeze(
  {
    VERSION_AND_LENGTH: 0,
    TYPE_OF_SERVICE: 1,
    TOTAL_LENGTH: 2,
    IDENTIFICATION: 4,
    FRAGMENT: 6,
    TIME_TO_LIVE: 8,
    PROTOCOL: 9,
    CHECKSUM: 10,
    SOURCE: 12,
    DESTINATION: 16,
    OPTIONS: 20,
    /** Length of a header without options. */
    SIZE: 20,
  } as const,
);

/** Length of a header without options. */
const HEADER: number = IPV4.SIZE;

/** The fragment word, read in network order: its flags, and the offset in units of 8 bytes. */
export const FRAGMENT = Object.freeze({ DONT: 0x4000, MORE: 0x2000, OFFSET: 0x1fff } as const);

/** What follows the header (IANA's protocol numbers). */
export const PROTOCOL = Object.freeze(
  { ICMP: 1, IGMP: 2, TCP: 6, UDP: 17, ICMPV6: 58 } as const,
);

/** The two bits of congestion, in the last of the byte of the traffic's class (RFC 3168, section 5). */
export const ECN = Object.freeze({ NOT_CAPABLE: 0, CAPABLE: 2, CONGESTED: 3 } as const);

/** The time to live of what a host sends (RFC 1122, section 3.2.1.7). */
export const TIME_TO_LIVE = 64;

/**
 * Writes a header without options, with its checksum. Addresses are words as they lie in memory; `fragment` is the word of
 * flags and offset, `ecn` one of {@linkcode ECN}.
 */
export function emitIpv4(
  memory: Memory,
  at: number,
  totalLength: number,
  identification: number,
  fragment: number,
  protocol: number,
  source: number,
  destination: number,
  timeToLive: number = TIME_TO_LIVE,
  ecn: number = 0,
): void {
  const { i32 } = memory;
  const word = at >> 2;
  const first = 0x45 | ecn << 8 | swap16(totalLength) << 16;
  const second = swap16(identification) | swap16(fragment) << 16;
  const third = timeToLive | protocol << 8;
  const total = halves(first) + halves(second) + third + halves(source) + halves(destination);
  i32[word] = first;
  i32[word + 1] = second;
  i32[word + 2] = third | ~fold(total) << 16;
  i32[word + 3] = source;
  i32[word + 4] = destination;
}

/**
 * Whether `length` bytes at an aligned place begin with a whole header that belongs to a whole packet, and its checksum is
 * right (RFC 1122, section 3.2.1).
 */
export function isIpv4(memory: Memory, at: number, length: number): boolean {
  if (length < HEADER) return false;
  const { i32 } = memory;
  const word = at >> 2;
  const first = i32[word]!;
  const header = (first & 0xf) << 2;
  const total = swap16(first >>> 16);
  if ((first & 0xf0) !== 0x40 || header < HEADER || total < header || total > length) return false;
  if (header > HEADER) return sum(memory, at, header) === 0xffff;
  const words = halves(first) + halves(i32[word + 1]!) + halves(i32[word + 2]!);
  return fold(words + halves(i32[word + 3]!) + halves(i32[word + 4]!)) === 0xffff;
}

/** The sum of a pseudo-header's addresses and protocol (RFC 9293, section 3.1), without the length. */
export function pseudoSum(source: number, destination: number, protocol: number): number {
  return fold(halves(source) + halves(destination) + (protocol << 8));
}
