/**
 * The options of a SYN and its answer, in the order in which Linux has them (RFC 9293, section 3.2; RFC 7323; RFC 2018).
 *
 * @module
 */

import { type Memory, swap16 } from "../../runtime/memory/memory.ts";
import { swap32 } from "../wire/byte_order.ts";
import { OPTION } from "../wire/tcp.ts";

/** Writes them to a place, and gives how long they are; without timestamps for `stamps` false, or a scale for -1. */
export function writeSynOptions(
  memory: Memory,
  at: number,
  mss: number,
  stamps: boolean,
  stamp: number,
  echo: number,
  sack: boolean,
  scale: number,
): number {
  const { u8, i32 } = memory;
  i32[at >> 2] = OPTION.MSS | 4 << 8 | swap16(mss) << 16;
  let size = 4;
  if (stamps) {
    i32[(at + size) >> 2] = (sack ? OPTION.SACK_PERMITTED | 2 << 8 : 0x0101) |
      OPTION.TIMESTAMPS << 16 | 10 << 24;
    i32[(at + size + 4) >> 2] = swap32(stamp);
    i32[(at + size + 8) >> 2] = swap32(echo);
    size += 12;
  } else if (sack) {
    i32[(at + size) >> 2] = 0x0101 | OPTION.SACK_PERMITTED << 16 | 2 << 24;
    size += 4;
  }
  if (scale >= 0) {
    u8[at + size] = OPTION.NO_OPERATION;
    u8[at + size + 1] = OPTION.WINDOW_SCALE;
    u8[at + size + 2] = 3;
    u8[at + size + 3] = scale;
    size += 4;
  }
  return size;
}
