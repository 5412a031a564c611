/**
 * Internet addresses as text and as bytes.
 *
 * Whether text is an address is decided by `node:net`; from there on the forms are fixed.
 *
 * @module
 */

import { isIPv4, isIPv6 } from "node:net";

/** An address as bytes: 4 of IPv4, or 16 of IPv6 (RFC 4291), in network order. */
export interface AddressBytes {
  /** The bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The zone of a link-local IPv6 address (RFC 4007): an interface's name or index. */
  readonly zone: string;
}

/** Reads an IPv4 or IPv6 literal; null if the text is neither. */
export function parseAddress(text: string): AddressBytes | null {
  if (isIPv4(text)) return { bytes: Uint8Array.from(text.split("."), Number), zone: "" };
  if (!isIPv6(text)) return null;
  const [literal, zone = ""] = text.split("%");
  return { bytes: parseIPv6(literal!), zone };
}

function parseIPv6(literal: string): Uint8Array<ArrayBuffer> {
  // An IPv4 address at the end (RFC 4291, section 2.2, form 3) becomes two groups.
  const text = literal.replace(/\d+\.\d+\.\d+\.\d+$/, (ipv4) => {
    const [a, b, c, d] = ipv4.split(".").map(Number) as [number, number, number, number];
    return `${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`;
  });
  const [before, after] = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  const tail = after ?? [];
  const zeros = new Array(8 - before!.length - tail.length).fill("0");
  const bytes = new Uint8Array(16);
  [...before!, ...zeros, ...tail].forEach((group, i) => {
    bytes[2 * i] = parseInt(group, 16) >> 8;
    bytes[2 * i + 1] = parseInt(group, 16);
  });
  return bytes;
}

/**
 * Writes an IPv4 or IPv6 address as text; IPv6 in the canonical form of RFC 5952, but for a mapped IPv4 address, which
 * is written as that.
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i]! << 8 | bytes[2 * i + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return bytes.subarray(12).join(".");
  }
  // The longest run of two or more zero groups, the first of equals, is written as "::".
  let start = -1;
  let longest = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > longest) [start, longest] = [i, end - i];
    i = Math.max(i, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + longest).join(":")}`;
}
