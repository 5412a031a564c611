/**
 * The blocks that tell the peer what came out of order (RFC 2018, section 4), and what came twice (RFC 2883).
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import type { Range } from "./receive_buffer.ts";
import { before } from "./sequence.ts";
import { swap32 } from "../wire/byte_order.ts";
import { OPTION } from "../wire/tcp.ts";

/** Blocks beside timestamps; without them there is room for one more (RFC 2018, section 3). */
const BLOCKS = 3;
/** Where the blocks begin that are told of now. */
const starts = new Int32Array(BLOCKS + 1);

/**
 * Writes the option: what came twice, once; the block that came last; those that were told of before, the latest first, so
 * that each is told of several times though acknowledgments are lost; then the others. Gives its size.
 */
export function emitSack(connection: Connection, memory: Memory, at: number): number {
  const first = connection.receiveBuffer.firstOutOfOrder;
  const { duplicateFrom, duplicateTo, lastSack, earlierSacks } = connection;
  let room = connection.timestamps ? BLOCKS : BLOCKS + 1;
  let size = 4;
  if (duplicateFrom !== duplicateTo) {
    size += writeBlock(memory, at + size, duplicateFrom, duplicateTo);
    connection.duplicateFrom = duplicateTo;
    room--;
  }
  let told = 0;
  for (let i = -1; i < BLOCKS && told < room; i++) {
    if (i >= 0 && earlierSacks === null) break;
    const from = blockWith(first, i < 0 ? lastSack : earlierSacks![i]!);
    if (from === null || isTold(from.seq, told)) continue;
    size += writeBlock(memory, at + size, from.seq, lastOf(from).end);
    starts[told++] = from.seq;
  }
  for (let from = first; from !== null && told < room; from = lastOf(from).next) {
    if (isTold(from.seq, told)) continue;
    size += writeBlock(memory, at + size, from.seq, lastOf(from).end);
    starts[told++] = from.seq;
  }
  if (told > 1) {
    const kept = connection.earlierSacks ??= new Int32Array(BLOCKS);
    for (let i = 0; i < BLOCKS; i++) kept[i] = starts[Math.min(i, told - 1)]!;
  }
  memory.i32[at >> 2] = 0x0101 | OPTION.SACK << 16 | (size - 2) << 24;
  return size;
}

/** The last of the ranges that follow one without a gap. */
function lastOf(from: Range): Range {
  let to = from;
  while (to.next !== null && to.next.seq === to.end) to = to.next;
  return to;
}

/** The first range of the block that a byte is in, or null. */
function blockWith(first: Range | null, seq: number): Range | null {
  let from = first;
  while (from !== null) {
    const to = lastOf(from);
    if (before(seq, to.end)) return before(seq, from.seq) ? null : from;
    from = to.next;
  }
  return null;
}

function isTold(seq: number, told: number): boolean {
  for (let i = 0; i < told; i++) if (starts[i] === seq) return true;
  return false;
}

function writeBlock(memory: Memory, at: number, from: number, to: number): number {
  memory.i32[at >> 2] = swap32(from);
  memory.i32[(at + 4) >> 2] = swap32(to);
  return 8;
}
