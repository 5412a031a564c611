/**
 * Bytes of the application, as an sga.
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
