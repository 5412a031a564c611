/**
 * What a connection received: ranges of the stream in the order of their sequence numbers, none overlapping another. Those
 * up to RCV.NXT are there to be taken; the others came out of order and wait for what is missing.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { BufferHeap } from "../../runtime/memory/heap.ts";
import type { Chunk } from "../../runtime/memory/chunk.ts";
import type { HeapSga } from "../../runtime/memory/sga.ts";
import { copy, copyAndSum, type Memory } from "../../runtime/memory/memory.ts";
import { ahead, before } from "./sequence.ts";

const { TCP_MEMORY } = BOUNDS;

/** A part of the stream. */
export class Range {
  /** The sequence number of its first byte. */
  seq = 0;
  /** How long it is. */
  length = 0;
  /** The memory that it is in. */
  chunk: Chunk | null = null;
  /** Where it begins there. */
  offset = 0;
  /** The next one. */
  next: Range | null = null;

  /** The sequence number after its last byte. */
  get end(): number {
    return (this.seq + this.length) | 0;
  }
}

/** Ranges that nobody uses, for all connections of a host. */
export class RangePool {
  /** Where memory comes from. */
  readonly heap: BufferHeap;
  /** Bytes of memory that ranges are in, of all connections, until they are taken. */
  bytes = 0;
  /** How many there may be. */
  limit: number = TCP_MEMORY;
  #free: Range | null = null;

  /** Makes an empty pool. */
  constructor(heap: BufferHeap) {
    this.heap = heap;
  }

  /** Whether memory is short: nobody gets more of it than he has. */
  get isShort(): boolean {
    return this.bytes > this.limit >> 1;
  }

  /** Whether it is used up. */
  get isFull(): boolean {
    return this.bytes > this.limit;
  }

  /** Takes one, with memory for `size` bytes. */
  take(seq: number, length: number, size: number): Range {
    let range = this.#free;
    if (range === null) range = new Range();
    else this.#free = range.next;
    range.seq = seq;
    range.length = length;
    range.chunk = this.heap.take(size);
    this.bytes += range.chunk.size;
    range.offset = 0;
    range.next = null;
    return range;
  }

  /** Takes one back whose memory is somebody else's by now. */
  put(range: Range): void {
    this.bytes -= range.chunk!.size;
    range.chunk = null;
    range.next = this.#free;
    this.#free = range;
  }

  /** Takes one back with its memory. */
  drop(range: Range): void {
    this.heap.release(range.chunk!);
    this.put(range);
  }
}

/** See the module's description. */
export class ReceiveBuffer {
  /** Bytes that are there to be taken. */
  available = 0;
  /** Ranges that came out of order. */
  outOfOrder = 0;
  readonly #pool: RangePool;
  /** A range whose bytes are there, and may be wrong; null if they are behind the last one. */
  #staged: Range | null = null;
  #head: Range | null = null;
  /** The last range that is in order; null if there is none. */
  #last: Range | null = null;

  /** Makes an empty buffer. */
  constructor(pool: RangePool) {
    this.#pool = pool;
  }

  /** Whether more may be promised to the peer: not if memory is used up, and this connection has a part of it. */
  get mayGrow(): boolean {
    return !this.#pool.isFull || this.available === 0;
  }

  /** The first range that came out of order, or null. */
  get firstOutOfOrder(): Range | null {
    return this.#last === null ? this.#head : this.#last.next;
  }

  /**
   * Takes `length` bytes that begin at `next`, RCV.NXT; gives the new RCV.NXT, which is farther if what came before is in
   * order now.
   */
  append(next: number, memory: Memory, at: number, length: number): number {
    const last = this.#last;
    const after = last === null ? this.#head : last.next;
    if (after !== null) length = this.#makeRoom(next, length, last);
    if (length > 0) {
      if (last !== null && last.offset + last.length + length <= last.chunk!.size) {
        copy(memory, at, last.chunk!.memory, last.chunk!.start + last.offset + last.length, length);
        last.length += length;
      } else {
        const range = this.#pool.take(next, length, this.#sizeFor(length));
        copy(memory, at, range.chunk!.memory, range.chunk!.start, length);
        this.#insert(range, last);
        this.#last = range;
      }
      this.available += length;
      next = (next + length) | 0;
    }
    return this.outOfOrder === 0 ? next : this.#absorb(next);
  }

  /**
   * Copies bytes that follow those that are in order, where nothing came out of order, and gives their sum. They count when
   * they are committed.
   */
  stage(next: number, memory: Memory, at: number, length: number): number {
    const last = this.#last;
    this.#staged = null;
    if (last !== null) {
      const chunk = last.chunk!;
      const end = last.offset + last.length;
      if (end + length <= chunk.size) {
        return copyAndSum(memory, at, chunk.memory, chunk.start + end, length);
      }
    }
    const range = this.#pool.take(next, length, this.#sizeFor(length));
    this.#staged = range;
    return copyAndSum(memory, at, range.chunk!.memory, range.chunk!.start, length);
  }

  /** The bytes that were staged are right. */
  commit(length: number): void {
    const range = this.#staged;
    if (range === null) this.#last!.length += length;
    else {
      this.#insert(range, this.#last);
      this.#last = range;
      this.#staged = null;
    }
    this.available += length;
  }

  /** The bytes that were staged are wrong. */
  discard(): void {
    if (this.#staged !== null) this.#pool.drop(this.#staged);
    this.#staged = null;
  }

  /** Keeps bytes that came out of order, as far as they are new. */
  keep(seq: number, memory: Memory, at: number, length: number): void {
    let previous = this.#last;
    let after = this.firstOutOfOrder;
    while (after !== null && !before(seq, after.seq)) {
      previous = after;
      after = after.next;
    }
    if (previous !== null && previous !== this.#last) {
      const known = ahead(previous.end, seq);
      if (known >= length) return;
      if (known > 0) {
        seq = (seq + known) | 0;
        at += known;
        length -= known;
      }
    }
    // What can come again goes first when memory is short.
    if (this.#pool.isShort) return;
    const rest = this.#makeRoom(seq, length, previous);
    if (rest === 0) return;
    if (this.#extend(previous, seq, memory, at, rest)) return;
    if (this.outOfOrder >= BOUNDS.OUT_OF_ORDER) return;
    const range = this.#pool.take(seq, rest, this.#sizeBehind(previous, seq, rest));
    copy(memory, at, range.chunk!.memory, range.chunk!.start, rest);
    this.#insert(range, previous);
    this.outOfOrder++;
  }

  /** Takes what is there, at most `size` bytes of one piece; 0 for the whole piece. There must be something. */
  take(size: number): HeapSga {
    const range = this.#head!;
    const { heap } = this.#pool;
    const chunk = range.chunk!;
    const length = size === 0 ? range.length : Math.min(size, range.length);
    const sga = heap.wrap(chunk, range.offset + length);
    if (range.offset > 0) sga.trim(range.offset, length);
    this.available -= length;
    if (length === range.length) {
      this.#head = range.next;
      if (this.#last === range) this.#last = null;
      this.#pool.put(range);
    } else {
      chunk.references++;
      range.offset += length;
      range.seq = (range.seq + length) | 0;
      range.length -= length;
    }
    return sga;
  }

  /** Drops everything. */
  clear(): void {
    for (let range = this.#head; range !== null;) {
      const { next } = range;
      this.#pool.drop(range);
      range = next;
    }
    this.#head = this.#last = null;
    this.available = this.outOfOrder = 0;
  }

  /** How much memory to take for bytes: whoever is slow to take has a lot to take, in few pieces. */
  #sizeFor(length: number): number {
    const last = this.#last;
    if (last === null) return length;
    return Math.max(length, Math.min(2 * last.chunk!.size, BOUNDS.STREAM_CHUNK));
  }

  /** The same of what came out of order: a long run of it is in few pieces, too. */
  #sizeBehind(range: Range | null, seq: number, length: number): number {
    if (range === null || range === this.#last || range.end !== seq) return length;
    return Math.max(length, Math.min(2 * range.chunk!.size, BOUNDS.STREAM_CHUNK));
  }

  /** Bytes that fit before what is known already; ranges that lie wholly within are dropped for the new ones. */
  #makeRoom(seq: number, length: number, previous: Range | null): number {
    for (;;) {
      const after = previous === null ? this.#head : previous.next;
      if (after === null) return length;
      const gap = ahead(after.seq, seq);
      if (gap >= length) return length;
      if (gap + after.length > length || gap <= 0) return Math.max(gap, 0);
      if (previous === null) this.#head = after.next;
      else previous.next = after.next;
      this.outOfOrder--;
      this.#pool.drop(after);
    }
  }

  /** Adds bytes to a range out of order that they follow, if its memory has room. */
  #extend(range: Range | null, seq: number, memory: Memory, at: number, length: number): boolean {
    if (range === null || range === this.#last || range.end !== seq) return false;
    const chunk = range.chunk!;
    const end = range.offset + range.length;
    if (end + length > chunk.size) return false;
    copy(memory, at, chunk.memory, chunk.start + end, length);
    range.length += length;
    return true;
  }

  #insert(range: Range, previous: Range | null): void {
    if (previous === null) {
      range.next = this.#head;
      this.#head = range;
    } else {
      range.next = previous.next;
      previous.next = range;
    }
  }

  /** What came out of order, and is in order now. */
  #absorb(next: number): number {
    for (
      let range = this.firstOutOfOrder;
      range !== null && range.seq === next;
      range = range.next
    ) {
      this.#last = range;
      this.available += range.length;
      next = range.end;
      this.outOfOrder--;
    }
    return next;
  }
}
