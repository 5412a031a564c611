/**
 * The bytes of an sga, as Deno takes them: in one array.
 *
 * @module
 */

import type { HeapSga } from "../runtime/memory/sga.ts";

/** From a byte on: of one segment its own memory, of several a copy of at most so many bytes. */
export function bytesOf(sga: HeapSga, start: number, most: number): Uint8Array<ArrayBuffer> {
  const first = sga.segmentBytes(0);
  if (sga.more === null) return start === 0 ? first : first.subarray(start);
  const copy = new Uint8Array(Math.min(sga.totalLength - start, most));
  // Where the segment begins in the copy: before it, if it was sent already.
  let at = -start;
  for (let i = 0; i <= sga.more.length && at < copy.length; i++) {
    const bytes = sga.segmentBytes(i);
    const target = Math.max(at, 0);
    copy.set(bytes.subarray(target - at, copy.length - at), target);
    at += bytes.length;
  }
  return copy;
}
