/**
 * Copying what is to be sent from where it is into a frame.
 *
 * @module
 */

import { copyAndSum, fold, type Memory, swap16 } from "../runtime/memory/memory.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";

/** Copies `length` bytes of an sga, from byte `from` on, and gives their sum, as if they began at an even place. */
export function gather(
  sga: HeapSga,
  from: number,
  length: number,
  to: Memory,
  at: number,
): number {
  const first = sga.firstLength;
  if (from + length <= first) {
    const { memory, start } = sga.firstChunk;
    return copyAndSum(memory, start + sga.firstOffset + from, to, at, length);
  }
  let total = 0;
  let done = 0;
  // Where the segment begins, counted from the first byte that is wanted.
  let begin = -from;
  let chunk = sga.firstChunk;
  let offset = sga.firstOffset;
  let size = first;
  for (let i = 0; done < length; i++) {
    if (begin + size > done) {
      const piece = Math.min(length, begin + size) - done;
      const place = chunk.start + offset + done - begin;
      const sum = copyAndSum(chunk.memory, place, to, at + done, piece);
      // What begins at an odd place has its bytes the other way round in the sum.
      total += (done & 1) === 0 ? sum : swap16(sum);
      done += piece;
    }
    begin += size;
    const next = sga.more?.[i];
    if (next === undefined) break;
    chunk = next.chunk;
    offset = next.offset;
    size = next.length;
  }
  return fold(total);
}
