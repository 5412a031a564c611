/**
 * What a connection has to send: sgas, each where it is, until every byte of it is acknowledged.
 *
 * They are chained through the sgas themselves, so that a push costs no memory.
 *
 * @module
 */

import { gather } from "../gather.ts";
import type { Chunk } from "../../runtime/memory/chunk.ts";
import type { HeapSga } from "../../runtime/memory/sga.ts";
import { fold, type Memory, swap16 } from "../../runtime/memory/memory.ts";
import { ahead, before } from "./sequence.ts";

/** See the module's description. */
export class SendBuffer {
  /** The sequence number of the oldest byte. */
  start = 0;
  /** The sequence number after the last byte. */
  end = 0;
  #head: HeapSga | null = null;
  #tail: HeapSga | null = null;
  /** Where what was sent last lies, and its first sequence number: the next one is mostly there. */
  #cursor: HeapSga | null = null;
  #cursorSeq = 0;

  /** Begins at a sequence number, with nothing. */
  reset(seq: number): void {
    this.start = this.end = seq;
  }

  /** Adds an sga that was moved. */
  put(sga: HeapSga): void {
    sga.next = null;
    if (this.#tail === null) this.#head = sga;
    else this.#tail.next = sga;
    this.#tail = sga;
    this.end = (this.end + sga.totalLength) | 0;
  }

  /** Takes out an sga of which nothing was sent; says whether it was there. */
  remove(sga: HeapSga): boolean {
    let previous: HeapSga | null = null;
    let one = this.#head;
    while (one !== null && one !== sga) {
      previous = one;
      one = one.next;
    }
    if (one === null) return false;
    if (previous === null) this.#head = sga.next;
    else previous.next = sga.next;
    if (this.#tail === sga) this.#tail = previous;
    sga.next = null;
    this.#cursor = null;
    this.end = (this.end - sga.totalLength) | 0;
    return true;
  }

  /** Copies `length` bytes from sequence number `seq` on to an even place, and gives their sum. */
  copy(seq: number, length: number, to: Memory, at: number): number {
    let sga = this.#cursor;
    let first = this.#cursorSeq;
    if (sga === null || before(seq, first)) {
      sga = this.#head;
      first = this.start;
    }
    let offset = ahead(seq, first);
    let total = 0;
    let done = 0;
    for (;;) {
      const size = sga!.totalLength;
      if (offset < size) {
        const piece = Math.min(size - offset, length - done);
        total += this.#piece(sga!, offset, piece, to, at, done);
        done += piece;
        offset += piece;
        if (done === length) break;
      }
      offset -= size;
      first = (first + size) | 0;
      sga = sga!.next;
    }
    this.#cursor = sga;
    this.#cursorSeq = first;
    return fold(total);
  }

  /** Everything before `seq` was acknowledged: sgas that are over are given back. */
  acknowledge(seq: number): void {
    let head = this.#head;
    while (head !== null) {
      const size = head.totalLength;
      if (ahead(seq, this.start) < size) break;
      const { next } = head;
      if (this.#cursor === head) this.#cursor = null;
      this.start = (this.start + size) | 0;
      head.next = null;
      head.finish();
      head = next;
    }
    this.#head = head;
    if (head === null) this.#tail = null;
  }

  /** Counts how often each piece of memory is held. */
  countChunks(counts: Map<Chunk, number>): void {
    for (let sga = this.#head; sga !== null; sga = sga.next) {
      counts.set(sga.firstChunk, (counts.get(sga.firstChunk) ?? 0) + 1);
      for (const { chunk } of sga.more ?? []) counts.set(chunk, (counts.get(chunk) ?? 0) + 1);
    }
  }

  /** Gives everything back. */
  clear(): void {
    let head = this.#head;
    this.#head = this.#tail = this.#cursor = null;
    this.start = this.end;
    while (head !== null) {
      const { next } = head;
      head.next = null;
      head.finish();
      head = next;
    }
  }

  /** A piece of an sga; one that begins at an odd place has its bytes the other way round in the sum. */
  #piece(
    sga: HeapSga,
    offset: number,
    length: number,
    to: Memory,
    at: number,
    done: number,
  ): number {
    const sum = gather(sga, offset, length, to, at + done);
    return (done & 1) === 0 ? sum : swap16(sum);
  }
}
