/**
 * The header of IPv6, and its extension headers (RFC 8200).
 *
 * @module
 */

import { fold, type Memory, swap16 } from "../../runtime/memory/memory.ts";
import type { IpAddress } from "../ip_address.ts";

/** Where the fields are. */
export const IPV6 = Object.freeze(
  {
    VERSION: 0,
    PAYLOAD_LENGTH: 4,
    NEXT_HEADER: 6,
    HOP_LIMIT: 7,
    SOURCE: 8,
    DESTINATION: 24,
    /** Length of the header. */
    SIZE: 40,
  } as const,
);

/** The extension headers (section 4.1), and what tells that nothing follows. */
export const EXTENSION = Object.freeze(
  { HOP_BY_HOP: 0, ROUTING: 43, FRAGMENT: 44, DESTINATION: 60, NONE: 59 } as const,
);

/** Where the fields of a fragment header are (section 4.5). */
export const FRAGMENT_HEADER = Object.freeze(
  { NEXT_HEADER: 0, OFFSET: 2, IDENTIFICATION: 4, SIZE: 8 } as const,
);

/** Writes a header; `ecn` is as in {@linkcode ECN}. */
export function emitIpv6(
  memory: Memory,
  at: number,
  payloadLength: number,
  nextHeader: number,
  hopLimit: number,
  source: IpAddress,
  destination: IpAddress,
  ecn: number = 0,
): void {
  const { i32 } = memory;
  const word = at >> 2;
  i32[word] = 0x60 | ecn << 12;
  i32[word + 1] = swap16(payloadLength) | nextHeader << 16 | hopLimit << 24;
  i32[word + 2] = source.w0;
  i32[word + 3] = source.w1;
  i32[word + 4] = source.w2;
  i32[word + 5] = source.w3;
  i32[word + 6] = destination.w0;
  i32[word + 7] = destination.w1;
  i32[word + 8] = destination.w2;
  i32[word + 9] = destination.w3;
}

/** The sum of a pseudo-header's addresses and next header (RFC 8200, section 8.1), without the length. */
export function pseudoSum6(source: IpAddress, destination: IpAddress, protocol: number): number {
  return fold(fold(sumOf(source)) + fold(sumOf(destination)) + (protocol << 8));
}

function sumOf({ w0, w1, w2, w3 }: IpAddress): number {
  return (w0 & 0xffff) + (w0 >>> 16) + (w1 & 0xffff) + (w1 >>> 16) + (w2 & 0xffff) +
    (w2 >>> 16) + (w3 & 0xffff) + (w3 >>> 16);
}
