/**
 * Bytes of the application, as an sga.
 *
 * @module
 */

import type { LibOS, Sga } from "../pdpix.ts";

/** Copies bytes to the heap of a libOS. Throws as {@linkcode LibOS.alloc}. */
export function copyToHeap(libos: LibOS, bytes: Uint8Array): Sga {
  const sga = libos.alloc(bytes.length);
  try {
    sga.bytes().set(bytes);
  } catch (error) {
    sga.free();
    throw error;
  }
  return sga;
}
