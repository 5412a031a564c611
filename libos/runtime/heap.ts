/**
 * The buffer heap of a libOS: every I/O buffer comes from here, so that a device may reach it by address.
 *
 * Buffers are cut from regions, each a JavaScript `ArrayBuffer`, whose memory never moves. Size classes
 * are the powers of two from 64 B to 1 MiB; what is larger is allocated exactly. A region that is wholly
 * free goes back to the system, but for a few spare ones of each class.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import { HeapSga } from "./sga.ts";

const SMALLEST = 64;
const LARGEST = 1 << 20;
const CLASSES = 15;
const REGION = 64 * 1024;
const POISON = 0xdb;
/**
 * So many bytes of wholly free regions each class keeps, and one region at least: a server whose need goes up and
 * down with every turn would make and drop regions otherwise, which costs microseconds.
 */
const SPARE = 8 * REGION;
/**
 * Recycled sgas wait in line behind at least this many others before they are used again, so that a late
 * use of one hits a free one, which throws, and not somebody else's data.
 */
const QUARANTINE = 64;

/** A piece of memory that one or more sgas hold. */
export class Chunk {
  /** Its whole memory; empty once the application transferred that away. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How large it is, or was. */
  readonly size: number;
  /** Where it is, for the device; 0 where there is no device. */
  readonly address: number;
  /** The region it is cut from; null if it stands alone. */
  readonly region: Region | null;
  /** How many sgas hold it. */
  references = 0;
  /**
   * The view that was asked for last, and the one before it: the next message is often of the same size, and
   * a chunk that goes from request to reply and back has two. To make one costs more than to send it.
   */
  #view: Uint8Array<ArrayBuffer>;
  #otherView: Uint8Array<ArrayBuffer>;
  /** In debug mode, where it was allocated. */
  origin: string | undefined = undefined;

  /** Makes a chunk over memory of the heap. */
  constructor(bytes: Uint8Array<ArrayBuffer>, address: number, region: Region | null) {
    this.bytes = bytes;
    this.size = bytes.length;
    this.address = address;
    this.region = region;
    this.#view = bytes;
    this.#otherView = bytes;
  }

  /** The memory from `offset` on, `length` bytes. Throws {@linkcode DemikernelError} `EFAULT` if it is gone. */
  slice(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const start = this.bytes.byteOffset + offset;
    const view = this.#view;
    if (view.byteOffset === start && view.length === length) return view;
    const other = this.#otherView;
    if (this.bytes.length === 0) throw transferred("access sga");
    this.#otherView = view;
    this.#view = other.byteOffset === start && other.length === length
      ? other
      : this.bytes.subarray(offset, offset + length);
    return this.#view;
  }
}

/** The error of memory that the application posted to a worker, or gave to a stream that took it. */
export function transferred(operation: string, qd?: number): DemikernelError {
  return new DemikernelError("EFAULT", operation, {
    qd,
    detail: "the memory of this sga was transferred away; " +
      "give copies (toUint8Array) to what transfers",
  });
}

/** The places of regions that are not among those of their class that have room. */
const FULL = -1;
const DROPPED = -2;

/** Memory that is cut into chunks of one size class. */
class Region {
  readonly sizeClass: SizeClass;
  /** The last one freed is the first one taken: it is still in the cache. */
  readonly free: Chunk[] = [];
  /** Chunks that are held. */
  used = 0;
  /** Its place among the regions of its class that have room, or why it has none. */
  position = FULL;
  readonly #memory: ArrayBuffer;
  readonly #address: number;
  #cut = 0;

  constructor(sizeClass: SizeClass, memory: ArrayBuffer, address: number) {
    this.sizeClass = sizeClass;
    this.#memory = memory;
    this.#address = address;
  }

  /** Cuts a chunk that was never used; null if the memory was transferred away. */
  cut(): Chunk | null {
    if (this.#memory.detached) return null;
    const { size } = this.sizeClass;
    const offset = this.#cut;
    this.#cut += size;
    return new Chunk(new Uint8Array(this.#memory, offset, size), this.#address + offset, this);
  }
}

/** All chunks of one size. */
class SizeClass {
  readonly size: number;
  /** Chunks of one region. */
  readonly capacity: number;
  /** Chunks that are held. */
  used = 0;
  /** Regions, full or not. */
  regions = 0;
  readonly #addressOf: (bytes: Uint8Array<ArrayBuffer>) => number;
  /** The regions that have room. */
  readonly #roomy: Region[] = [];
  /** How many regions are wholly free, and how many may be. */
  #spares = 0;
  readonly #mostSpares: number;

  constructor(size: number, addressOf: (bytes: Uint8Array<ArrayBuffer>) => number) {
    this.size = size;
    this.capacity = Math.max(REGION, size) / size;
    this.#mostSpares = Math.max(1, SPARE / (this.capacity * size));
    this.#addressOf = addressOf;
  }

  take(): Chunk {
    const region = this.#roomy[this.#roomy.length - 1] ?? this.#makeRegion();
    const chunk = region.free.pop() ?? region.cut();
    if (region.used === 0) this.#spares--;
    if (chunk === null || chunk.bytes.length === 0) {
      // The memory was transferred away: the device must not write to it any more.
      this.#removeRoomy(region, DROPPED);
      this.regions--;
      return this.take();
    }
    this.used++;
    if (++region.used === this.capacity) this.#removeRoomy(region, FULL);
    return chunk;
  }

  put(chunk: Chunk): void {
    const region = chunk.region!;
    region.free.push(chunk);
    this.used--;
    region.used--;
    if (region.position === DROPPED) return;
    if (region.position === FULL) this.#addRoomy(region);
    if (region.used > 0) return;
    if (this.#spares < this.#mostSpares) {
      this.#spares++;
    } else {
      this.#removeRoomy(region, DROPPED);
      this.regions--;
    }
  }

  #makeRegion(): Region {
    const memory = makeMemory(this.capacity * this.size);
    const region = new Region(this, memory, this.#addressOf(new Uint8Array(memory)));
    this.regions++;
    this.#spares++;
    this.#addRoomy(region);
    return region;
  }

  #addRoomy(region: Region): void {
    region.position = this.#roomy.push(region) - 1;
  }

  #removeRoomy(region: Region, position: number): void {
    const last = this.#roomy.pop()!;
    if (last !== region) {
      this.#roomy[region.position] = last;
      last.position = region.position;
    }
    region.position = position;
  }
}

function makeMemory(size: number): ArrayBuffer {
  try {
    return new ArrayBuffer(size);
  } catch (cause) {
    throw new DemikernelError("ENOMEM", "alloc", {
      detail: `no memory for a buffer of ${size} bytes`,
      cause,
    });
  }
}

/** How a {@linkcode BufferHeap} is made. */
export interface BufferHeapOptions {
  /** The address of memory, for a device that needs it; 0 by default. */
  readonly addressOf?: (bytes: Uint8Array<ArrayBuffer>) => number;
  /** Poison what is freed, and remember where each buffer was allocated. */
  readonly debug?: boolean;
}

/** The buffer heap of one libOS. */
export class BufferHeap {
  /** Whether freed memory is poisoned, and nothing that was freed is used twice. */
  readonly debug: boolean;
  readonly #addressOf: (bytes: Uint8Array<ArrayBuffer>) => number;
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
    this.#addressOf = options.addressOf ?? (() => 0);
    for (let i = 0; i < CLASSES; i++) {
      this.#classes.push(new SizeClass(SMALLEST << i, this.#addressOf));
    }
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
    const bytes = new Uint8Array(makeMemory(size));
    this.#large++;
    this.#largeBytes += size;
    return new Chunk(bytes, this.#addressOf(bytes), null);
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
    detail: `a buffer size must be an integer of 0 or more, not ${Deno.inspect(size)}`,
  });
}

/** The class of a size up to the largest class: 0 for 64 bytes and less, 1 for 128, … */
function classOf(size: number): number {
  return size <= SMALLEST ? 0 : 26 - Math.clz32(size - 1);
}
