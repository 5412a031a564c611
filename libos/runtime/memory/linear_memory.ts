/**
 * One `WebAssembly.Memory` for all that a libOS copies between: its buffers, and what its devices receive to and send from.
 *
 * So frames and buffers are offsets in the same typed arrays, between which {@linkcode Simd} copies. It has its whole size
 * from the beginning, since growing would detach its `ArrayBuffer`, and nothing of it is there before it is touched. Nobody
 * can transfer that buffer away.
 *
 * @module
 */

import { DemikernelError } from "../../error.ts";
import { makeSimd } from "./simd.ts";
import { Memory } from "./memory.ts";

/** In what pieces it is taken: a page of WebAssembly, and of every processor that there is at most. */
export const PAGE: number = 64 * 1024;

/** Its size in pages, but for what a device has of its own. Larger ones take longer to make, and copy longer for whoever clones a view of them. */
const PAGES = 1024;

/** What the system does with memory. */
export interface LinearMemoryOptions {
  /** The address of memory, for a device that needs it; 0 by default. */
  readonly addressOf?: (bytes: Uint8Array<ArrayBuffer>) => number;
  /** Gives the system back what lies in whole pages, which are zero afterwards; nothing by default. */
  readonly discard?: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** So many bytes more than usual, for a device that maps much; none by default. */
  readonly room?: number;
}

/** See the module's description. */
export class LinearMemory {
  /** Its views. */
  readonly memory: Memory;
  /** Where it is, for the device; 0 where there is no device. */
  readonly address: number;
  /** For each page whether it is taken. */
  readonly #taken: Uint8Array;
  readonly #discard: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;

  /** Reserves one. Throws {@linkcode DemikernelError} `ENOMEM`. */
  constructor({ addressOf, discard, room = 0 }: LinearMemoryOptions = {}) {
    const pages = PAGES + Math.ceil(room / PAGE);
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    } catch (cause) {
      throw new DemikernelError("ENOMEM", "alloc", {
        detail: `no memory for ${pages * PAGE} bytes of buffers`,
        cause,
      });
    }
    this.memory = new Memory(memory.buffer as ArrayBuffer, makeSimd(memory));
    this.address = addressOf?.(this.memory.u8) ?? 0;
    this.#taken = new Uint8Array(pages);
    this.#discard = discard;
  }

  /** Takes `length` bytes in whole pages; gives their offset, or -1 if there is no room in one piece. */
  take(length: number): number {
    const pages = Math.ceil(length / PAGE);
    const taken = this.#taken;
    for (let first = taken.indexOf(0); first >= 0; first = taken.indexOf(0, first)) {
      const next = taken.indexOf(1, first);
      const end = next < 0 ? taken.length : next;
      if (end - first >= pages) {
        taken.fill(1, first, first + pages);
        return first * PAGE;
      }
      first = end;
    }
    return -1;
  }

  /** As {@linkcode LinearMemory.take}, for a device, and gives the bytes. Throws {@linkcode DemikernelError} `ENOMEM`. */
  reserve(length: number): Uint8Array<ArrayBuffer> {
    const offset = this.take(length);
    if (offset >= 0) return this.memory.u8.subarray(offset, offset + length);
    throw new DemikernelError("ENOMEM", "open", {
      detail: `no room for ${length} bytes of a device beside the buffers`,
    });
  }

  /** Gives back what was taken. */
  give(offset: number, length: number): void {
    const first = offset / PAGE;
    this.#taken.fill(0, first, first + Math.ceil(length / PAGE));
    this.#discard?.(this.memory.u8.subarray(offset, offset + length));
  }
}
