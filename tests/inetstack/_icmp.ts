/**
 * ICMP errors about frames that a host sent.
 *
 * @module
 */

import { checksum, frameOf } from "./_host.ts";

/** "Destination unreachable" of IPv4 by some router, which quotes a frame: that it was too big, or what `code` says. */
export function icmpTooBig(
  frame: Uint8Array<ArrayBuffer>,
  mtu: number,
  code = 4,
): Uint8Array<ArrayBuffer> {
  const quoted = frame.subarray(14, 14 + 28);
  const bytes = new Uint8Array(8 + quoted.length);
  bytes.set([3, code]);
  bytes.set(quoted, 8);
  const view = new DataView(bytes.buffer);
  view.setUint16(6, mtu);
  view.setUint16(2, checksum(bytes));
  return frameOf(1, bytes, { source: "10.0.0.77" });
}
