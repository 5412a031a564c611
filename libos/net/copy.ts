/**
 * Bytes of the application, as an sga, and the other way.
 *
 * @module
 */

import type { LibOS, Sga } from "../pdpix.ts";

const encoder = new TextEncoder();

/** Copies bytes, or a text as UTF-8, to the heap of a libOS. Throws as {@linkcode LibOS.alloc}. */
export function copyToHeap(libos: LibOS, data: Uint8Array | string): Sga {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  const sga = libos.alloc(bytes.length);
  try {
    sga.bytes().set(bytes);
  } catch (error) {
    sga.free();
    throw error;
  }
  return sga;
}

/** Copies all segments to the beginning of memory of the application, which has room for them. */
export function copyTo(sga: Sga, memory: Uint8Array): void {
  for (let i = 0, at = 0; i < sga.numsegs; i++) {
    const bytes = sga.bytes(i);
    memory.set(bytes, at);
    at += bytes.length;
  }
}
