/**
 * Scatter-gather arrays: what is pushed and popped.
 *
 * @module
 */

import { DemikernelError, inspect } from "../../error.ts";
import { type Chunk, transferred } from "./chunk.ts";
import type { BufferHeap } from "./heap.ts";
import type { InetAddress, Operation, Sga } from "../../pdpix.ts";

const FREE = 0;
const OWNED = 1;
/** With the libOS, which is sending it. */
const MOVED = 2;
/** The libOS is through with it, and its memory is free; the application still holds the handle. */
const SPENT = 3;

const STATES = ["freed", "owned", "being pushed", "pushed"] as const;

function notOwned(state: number, operation: string, qd?: number): DemikernelError {
  const detail = state === OWNED
    ? "the sga belongs to another libOS"
    : `the sga was ${STATES[state]}`;
  return new DemikernelError("EINVAL", operation, { qd, detail });
}

function isGone({ chunk }: Segment): boolean {
  return chunk.bytes.length === 0;
}

/** What the application did with a handle that was moved. */
const KEPT = 0;
const FREED = 1;
const RECYCLED = 2;

/** A part of one chunk. */
export interface Segment {
  /** The memory it is in. */
  chunk: Chunk;
  /** Where it begins there. */
  offset: number;
  /** How long it is, in bytes. */
  length: number;
}

/** The scatter-gather arrays of libOSes in TypeScript; see {@linkcode Sga}. */
export class HeapSga implements Sga {
  /** Used by the heap: the next one that was recycled. */
  next: HeapSga | null = null;
  /** Used by the heap: whether this handle was recycled. */
  reused = false;
  /** Used by operations: a pop that gives this sga. */
  popped: Operation<Sga> | null = null;
  readonly #heap: BufferHeap;
  #state = FREE;
  /** Whether the application freed it, or the handle too, while it was moved. */
  #dropped = KEPT;
  #chunk: Chunk | null = null;
  #offset = 0;
  #length = 0;
  /** The segments after the first; null when there is only one, as nearly always. */
  #more: Segment[] | null = null;
  #address: InetAddress | null = null;
  #truncated = false;

  /** Used by the heap alone: `libos.alloc()` gives sgas. */
  constructor(heap: BufferHeap) {
    this.#heap = heap;
  }

  /** Total length in bytes. */
  get length(): number {
    this.#check();
    return this.totalLength;
  }

  /** How many segments it has. */
  get numsegs(): number {
    this.#check();
    return 1 + (this.#more?.length ?? 0);
  }

  /** Where a popped datagram came from; null for streams. */
  get address(): InetAddress | null {
    this.#check();
    return this.#address;
  }

  /** Whether the datagram was longer than the size that `pop` was given; the rest of it is gone. */
  get truncated(): boolean {
    this.#check();
    return this.#truncated;
  }

  /**
   * The memory of one segment, to read and to write until the sga is pushed or freed. Throws
   * {@linkcode DemikernelError} `EINVAL` for a segment that it has not.
   */
  bytes(segment = 0): Uint8Array<ArrayBuffer> {
    this.#check();
    if (segment === 0) return this.#chunk!.slice(this.#offset, this.#length);
    const other = this.#more?.[segment - 1];
    if (other === undefined) {
      throw new DemikernelError("EINVAL", "access sga", {
        detail: `no segment ${inspect(segment)}`,
      });
    }
    return other.chunk.slice(other.offset, other.length);
  }

  /** A copy of all its bytes, that outlives it. */
  toUint8Array(): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.length);
    copy.set(this.bytes());
    let at = this.#length;
    for (let i = 1; i < this.numsegs; at += this.bytes(i).length, i++) copy.set(this.bytes(i), at);
    return copy;
  }

  /**
   * Keeps `length` bytes from `start` of the first segment on, and drops the rest of that segment.
   * Throws {@linkcode DemikernelError} `EINVAL` for a range outside of it, or an empty one.
   */
  trim(start: number, length: number): void {
    this.#check();
    const end = start + length;
    const integers = Number.isSafeInteger(start) && Number.isSafeInteger(length);
    if (!(integers && start >= 0 && length > 0 && end <= this.#length)) {
      throw new DemikernelError("EINVAL", "trim sga", {
        detail: `${inspect(length)} bytes from ${
          inspect(start)
        } are not within a segment of ${this.#length}`,
      });
    }
    this.#offset += start;
    this.#length = length;
  }

  /** Another sga over the same memory, which is free once both are; to push one message to many. */
  clone(): HeapSga {
    this.#check();
    this.#chunk!.references++;
    const copy = this.#heap.wrap(this.#chunk!, this.#length);
    copy.#offset = this.#offset;
    copy.#address = this.#address;
    copy.#truncated = this.#truncated;
    for (const { chunk, offset, length } of this.#more ?? []) {
      chunk.references++;
      copy.append(chunk, offset, length);
    }
    return copy;
  }

  /**
   * Takes the segments of another sga, behind its own. The other is as one that was pushed. Throws
   * {@linkcode DemikernelError} `EINVAL` if that is not the caller's, or this one.
   */
  extend(other: Sga): void {
    this.#check();
    if (!(other instanceof HeapSga) || other === this) {
      throw new DemikernelError("EINVAL", "extend sga", { detail: "it takes another sga" });
    }
    other.checkOwned(this.#heap, "extend sga");
    this.append(other.#chunk!, other.#offset, other.#length);
    if (other.#more !== null) {
      this.#more!.push(...other.#more);
      other.#more = null;
    }
    other.#chunk = null;
    other.#state = SPENT;
    other.#dropped = KEPT;
  }

  /** Gives its memory back. Throws {@linkcode DemikernelError} `EINVAL` if that was done already. */
  free(): void {
    if (this.#state === MOVED) {
      this.#dropped ||= FREED;
      return;
    }
    if (this.#state === FREE) throw notOwned(FREE, "free sga");
    if (this.#state === OWNED) this.#releaseChunks();
    this.#state = FREE;
  }

  /** See {@linkcode Sga.recycle}. */
  recycle(): void {
    if (this.#state === MOVED) {
      this.#dropped = RECYCLED;
      return;
    }
    this.free();
    this.#heap.recycle(this);
  }

  /** As {@linkcode Sga.free}, and harmless when it was freed already. */
  [Symbol.dispose](): void {
    if (this.#state !== FREE) this.free();
  }

  /** Used by libOSes: begins a new life over a chunk. */
  begin(chunk: Chunk, offset: number, length: number): void {
    this.#state = OWNED;
    this.#dropped = KEPT;
    this.#chunk = chunk;
    this.#offset = offset;
    this.#length = length;
    this.#more = null;
    this.#address = null;
    this.#truncated = false;
  }

  /** Used by libOSes: adds a segment. */
  append(chunk: Chunk, offset: number, length: number): void {
    (this.#more ??= []).push({ chunk, offset, length });
  }

  /** Used by libOSes: says where a datagram came from, and whether it was cut. */
  describe(address: InetAddress | null, truncated: boolean): void {
    this.#address = address;
    this.#truncated = truncated;
  }

  /** Used by libOSes: checks, before a push, that it is the caller's and of the right heap. */
  checkOwned(heap: BufferHeap, operation: string, qd?: number): void {
    if (this.#state !== OWNED || this.#heap !== heap) throw notOwned(this.#state, operation, qd);
    // The device would read what is somebody else's now, or nobody's.
    if (this.#chunk!.bytes.length === 0 || this.#more?.some(isGone)) {
      throw transferred(operation, qd);
    }
  }

  /** Used by libOSes: takes it from the application. */
  move(): void {
    this.#state = MOVED;
  }

  /** Used by libOSes: frees a moved one. */
  finish(): void {
    this.#releaseChunks();
    this.#state = SPENT;
    if (this.#dropped !== KEPT) this.#drop();
  }

  /** Used by libOSes: gives a moved one to whoever pops it, under a handle of its own. */
  handOver(): HeapSga {
    const sga = this.#heap.wrap(this.#chunk!, this.#length);
    sga.#offset = this.#offset;
    if (this.#more !== null) {
      sga.#more = this.#more;
      this.#more = null;
    }
    this.#chunk = null;
    this.#state = SPENT;
    if (this.#dropped !== KEPT) this.#drop();
    return sga;
  }

  /** Used by libOSes: total length, whoever holds it. */
  get totalLength(): number {
    let length = this.#length;
    if (this.#more !== null) { for (const segment of this.#more) length += segment.length; }
    return length;
  }

  /** Used by libOSes: the memory of a segment that it has, whoever holds it. */
  segmentBytes(segment: number): Uint8Array<ArrayBuffer> {
    if (segment === 0) return this.#chunk!.slice(this.#offset, this.#length);
    const { chunk, offset, length } = this.#more![segment - 1]!;
    return chunk.slice(offset, length);
  }

  /** Used by libOSes: the address of the first segment. */
  get firstAddress(): number {
    return this.#chunk!.address + this.#offset;
  }

  /** Used by libOSes: the memory that the first segment is in. */
  get firstChunk(): Chunk {
    return this.#chunk!;
  }

  /** Used by libOSes: where it begins there. */
  get firstOffset(): number {
    return this.#offset;
  }

  /** Used by libOSes: the length of the first segment. */
  get firstLength(): number {
    return this.#length;
  }

  /** Used by libOSes: the segments after the first. */
  get more(): readonly Segment[] | null {
    return this.#more;
  }

  #drop(): void {
    if (this.#dropped === RECYCLED) this.recycle();
    else this.free();
  }

  #check(): void {
    if (this.#state !== OWNED) throw notOwned(this.#state, "access sga");
  }

  #releaseChunks(): void {
    this.#heap.release(this.#chunk!);
    this.#chunk = null;
    if (this.#more === null) return;
    for (const segment of this.#more) this.#heap.release(segment.chunk);
    this.#more = null;
  }
}
