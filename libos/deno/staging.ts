/**
 * Where Deno reads to: memory of the heap that is the libOS's while a read is under way, and until what came was popped.
 *
 * What fills half of it is handed on; else it is copied into a buffer of its own size, so that a message of 64 bytes
 * holds 64.
 *
 * @module
 */

import type { Chunk } from "../runtime/memory/chunk.ts";
import type { BufferHeap } from "../runtime/memory/heap.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";

/** See the module's description. */
export class Staging {
  readonly #heap: BufferHeap;
  #chunk: Chunk | null = null;
  #start = 0;
  #end = 0;

  /** Makes one that has no memory yet. */
  constructor(heap: BufferHeap) {
    this.#heap = heap;
  }

  /** How many bytes came, and were not popped. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Memory to read into. Throws {@linkcode DemikernelError} `ENOMEM`. */
  lend(size: number): Uint8Array<ArrayBuffer> {
    this.#chunk = this.#heap.reserve(size);
    return this.#chunk.slice(0, size);
  }

  /** So many bytes came. */
  fill(length: number): void {
    this.#end = length;
  }

  /** An sga of at most so many bytes of what came. Throws {@linkcode DemikernelError} `ENOMEM`. */
  take(most: number): HeapSga {
    const length = Math.min(most, this.length);
    const chunk = this.#chunk!;
    const heap = this.#heap;
    let sga: HeapSga;
    if (this.#start === 0 && length > chunk.size / 2) {
      const rest = this.length - length;
      const other = heap.take(chunk.size);
      other.bytes.set(chunk.bytes.subarray(length, length + rest));
      heap.exchange(chunk, other);
      sga = heap.wrap(chunk, length);
      this.#chunk = other;
      this.#end = rest;
    } else {
      const own = heap.take(length);
      own.bytes.set(chunk.slice(this.#start, length));
      sga = heap.wrap(own, length);
      this.#start += length;
    }
    if (this.length === 0) this.drop();
    return sga;
  }

  /** Gives the memory back, and what came with it. */
  drop(): void {
    if (this.#chunk !== null) this.#heap.unreserve(this.#chunk);
    this.#chunk = null;
    this.#start = 0;
    this.#end = 0;
  }
}
