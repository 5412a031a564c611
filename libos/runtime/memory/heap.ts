/**
 * The buffer heap of a libOS: every I/O buffer comes from here, so that a device may reach it by address.
 *
 * Size classes are the powers of two from 64 B to 1 MiB, in one linear memory, or more if that is full; what is larger is
 * an `ArrayBuffer` of exactly its size, and goes back to the system when it is freed.
 *
 * @module
 */

import { DemikernelError, inspect } from "../../error.ts";
import { Chunk } from "./chunk.ts";
import { LinearMemory, type LinearMemoryOptions } from "./linear_memory.ts";
import { HeapSga } from "./sga.ts";
import { SizeClass } from "./size_class.ts";

const SMALLEST = 64;
const LARGEST = 1 << 20;
const CLASSES = 15;
const POISON = 0xdb;
/**
 * Recycled sgas wait in line behind at least this many others before they are used again, so that a late
 * use of one hits a free one, which throws, and not somebody else's data.
 */
const QUARANTINE = 64;

/** How a {@linkcode BufferHeap} is made. */
export interface BufferHeapOptions extends LinearMemoryOptions {
  /** The linear memory that it begins with; one of its own by default. */
  readonly linear?: LinearMemory;
  /** Poison what is freed, and remember where each buffer was allocated. */
  readonly debug?: boolean;
}

/** The buffer heap of one libOS. */
export class BufferHeap {
  /** Whether freed memory is poisoned, and nothing that was freed is used twice. */
  readonly debug: boolean;
  readonly #system: LinearMemoryOptions;
  readonly #linears: LinearMemory[];
  readonly #classes: SizeClass[] = [];
  readonly #live = new Set<Chunk>();
  /** Recycled sgas, the one that was recycled first at the head. */
  #recycled: HeapSga | null = null;
  #lastRecycled: HeapSga | null = null;
  #recycledCount = 0;
  #large = 0;
  #largeBytes = 0;
  #reserved = 0;
  #reservedBytes = 0;

  /** Makes an empty heap. */
  constructor(options: BufferHeapOptions = {}) {
    this.debug = options.debug ?? false;
    this.#system = options;
    this.#linears = options.linear === undefined ? [] : [options.linear];
    const linearFor = (length: number) => this.#linearFor(length);
    for (let i = 0; i < CLASSES; i++) this.#classes.push(new SizeClass(SMALLEST << i, linearFor));
  }

  /** The linear memory where its buffers are, as long as they all have room there. */
  get linear(): LinearMemory {
    return this.#linears[0] ?? this.#addLinear();
  }

  /** Buffers held now, but for what the libOS reserved. */
  get buffers(): number {
    return this.#classes.reduce((sum, { used }) => sum + used, this.#large - this.#reserved);
  }

  /** Bytes of the buffers held now, but for what the libOS reserved. */
  get bufferBytes(): number {
    const large = this.#largeBytes - this.#reservedBytes;
    return this.#classes.reduce((sum, { used, size }) => sum + used * size, large);
  }

  /** Bytes held from the system. */
  get heapBytes(): number {
    return this.#classes.reduce(
      (sum, { regions, capacity, size }) => sum + regions * capacity * size,
      this.#largeBytes,
    );
  }

  /** Where the buffers held now were allocated; known in debug mode only. */
  get origins(): string[] {
    return [...this.#live].map((chunk) => chunk.origin ?? "");
  }

  /**
   * Takes an sga of one segment, or one for each size.
   *
   * Throws {@linkcode DemikernelError} `EINVAL` for a size that is not an integer of 0 or more, `ENOMEM` for
   * one that cannot be had.
   */
  alloc(size: number | readonly number[]): HeapSga {
    if (typeof size === "number") {
      const chunk = this.take(size);
      return this.wrap(chunk, size);
    }
    if (!Array.isArray(size) || size.length === 0) throw wrongSize(size);
    for (const one of size) checkSize(one);
    const sga = this.wrap(this.take(size[0]!), size[0]!);
    try {
      for (let i = 1; i < size.length; i++) sga.append(this.take(size[i]!), 0, size[i]!);
    } catch (error) {
      sga.free();
      throw error;
    }
    return sga;
  }

  /** Takes a chunk of at least `size` bytes. Throws as {@linkcode BufferHeap.alloc}. */
  take(size: number): Chunk {
    checkSize(size);
    const chunk = size > LARGEST ? this.#takeLarge(size) : this.#classes[classOf(size)]!.take();
    chunk.references = 1;
    if (this.debug) this.#checkPoison(chunk);
    return chunk;
  }

  /** As {@linkcode BufferHeap.take}, for the libOS itself: not counted, until it is given back. */
  reserve(size: number): Chunk {
    const chunk = this.take(size);
    this.#live.delete(chunk);
    this.#reserved++;
    this.#reservedBytes += chunk.bytes.length;
    return chunk;
  }

  /** The application gets a reserved chunk; another of that size, just taken, is reserved instead. */
  exchange(reserved: Chunk, taken: Chunk): void {
    if (!this.debug) return;
    this.#live.delete(taken);
    this.#live.add(reserved);
  }

  /** Gives a reserved chunk back. */
  unreserve(chunk: Chunk): void {
    this.#reserved--;
    this.#reservedBytes -= chunk.bytes.length;
    this.release(chunk);
  }

  /** Makes an sga over the first `length` bytes of a chunk, which it then holds. */
  wrap(chunk: Chunk, length: number): HeapSga {
    let sga: HeapSga;
    if (this.#recycledCount > QUARANTINE) {
      sga = this.#recycled!;
      this.#recycled = sga.next;
      this.#recycledCount--;
    } else {
      sga = new HeapSga(this);
    }
    sga.begin(chunk, 0, length);
    return sga;
  }

  /** Lets go of a chunk; it is free once nothing holds it. */
  release(chunk: Chunk): void {
    if (--chunk.references > 0) return;
    if (this.debug) {
      this.#live.delete(chunk);
      if (chunk.bytes.length > 0) chunk.bytes.fill(POISON);
    }
    if (chunk.region !== null) return chunk.region.sizeClass.put(chunk);
    this.#large--;
    this.#largeBytes -= chunk.size;
    // What is detached is free now, and not when it is collected, which may be never.
    if (!chunk.bytes.buffer.detached) chunk.bytes.buffer.transfer(0);
  }

  /** Keeps a freed sga, which nobody has any more, to be used again. */
  recycle(sga: HeapSga): void {
    if (this.debug || this.#recycledCount === 2 * QUARANTINE) return;
    sga.next = null;
    sga.reused = true;
    if (this.#recycledCount++ === 0) this.#recycled = sga;
    else this.#lastRecycled!.next = sga;
    this.#lastRecycled = sga;
  }

  #takeLarge(size: number): Chunk {
    const bytes = makeBytes(size);
    this.#large++;
    this.#largeBytes += size;
    return new Chunk(bytes, this.#system.addressOf?.(bytes) ?? 0, null);
  }

  #linearFor(length: number): [LinearMemory, number] {
    for (const linear of this.#linears) {
      const start = linear.take(length);
      if (start >= 0) return [linear, start];
    }
    const linear = this.#addLinear();
    return [linear, linear.take(length)];
  }

  #addLinear(): LinearMemory {
    const linear = new LinearMemory(this.#system);
    this.#linears.push(linear);
    return linear;
  }

  #checkPoison(chunk: Chunk): void {
    this.#live.add(chunk);
    const fresh = chunk.origin === undefined;
    const previous = chunk.origin;
    chunk.origin = new Error("allocated").stack ?? "";
    if (fresh) return;
    const at = chunk.bytes.findIndex((byte) => byte !== POISON);
    if (at >= 0) {
      this.release(chunk);
      throw new DemikernelError("EFAULT", "alloc", {
        detail: `byte ${at} of a free buffer was written to; its last owner: ${previous}`,
      });
    }
  }
}

function checkSize(size: number): void {
  if (!(Number.isSafeInteger(size) && size >= 0)) throw wrongSize(size);
}

function wrongSize(size: unknown): DemikernelError {
  return new DemikernelError("EINVAL", "alloc", {
    detail: `a buffer size must be an integer of 0 or more, not ${inspect(size)}`,
  });
}

function makeBytes(size: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    throw new DemikernelError("ENOMEM", "alloc", {
      detail: `no memory for a buffer of ${size} bytes`,
      cause,
    });
  }
}

/** The class of a size up to the largest class: 0 for 64 bytes and less, 1 for 128, … */
function classOf(size: number): number {
  return size <= SMALLEST ? 0 : 26 - Math.clz32(size - 1);
}
