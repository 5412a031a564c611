/**
 * Marks of congestion, as a router sets them whose queue grows (RFC 3168, section 5).
 *
 * @module
 */

import { fold, swap16 } from "../runtime/memory/memory.ts";
import { ETHERNET_HEADER } from "../inetstack/device.ts";
import { ECN, IPV4 } from "../inetstack/wire/ipv4.ts";

/** Marks the IP packet in a frame, if its sender knows marks. */
export function markCongestion(frame: Uint8Array<ArrayBuffer>): void {
  const version = frame[ETHERNET_HEADER]! >> 4;
  const at = ETHERNET_HEADER + 1;
  if (frame[12] === 0x86 && frame[13] === 0xdd && version === 6) {
    const bits = frame[at]! >> 4 & 3;
    if (bits !== ECN.NOT_CAPABLE) frame[at] = frame[at]! | ECN.CONGESTED << 4;
  } else if (frame[12] === 0x08 && frame[13] === 0x00 && version === 4) {
    const bits = frame[at]! & 3;
    if (bits === ECN.NOT_CAPABLE) return;
    frame[at] = frame[at]! | ECN.CONGESTED;
    // The checksum goes down by as much as the header went up (RFC 1624).
    const view = new DataView(frame.buffer, frame.byteOffset);
    const sum = view.getUint16(ETHERNET_HEADER + IPV4.CHECKSUM);
    const less = swap16(fold(swap16(~sum & 0xffff) + swap16(ECN.CONGESTED - bits)));
    view.setUint16(ETHERNET_HEADER + IPV4.CHECKSUM, ~less & 0xffff);
  }
}
