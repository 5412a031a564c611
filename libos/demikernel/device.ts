/**
 * What the queues of a native libOS share: token places, operations under way, and buffers, which are
 * copied on their way in and out.
 *
 * A copy costs 8 ns for 64 bytes and 150 for 8 KiB, the most that upstream pops; to map a native buffer as an
 * `ArrayBuffer` costs 255 ns and makes work for the collector. So copying is faster at every size.
 *
 * @module
 */

import type { Calls } from "../../ffi/demikernel/calls.ts";
import { OPCODE } from "../../ffi/demikernel/layout.ts";
import { DemikernelError, Errno } from "../error.ts";
import type { BufferHeap, Chunk } from "../runtime/heap.ts";
import type { HeapSga } from "../runtime/sga.ts";
import { TOKENS } from "./instance.ts";
import type { NativeQueue } from "./native_queue.ts";

/** The most that one sga of upstream's holds, in bytes. */
export const LARGEST = 65535;

/** Places of sgas: what was popped, and what is pushed. */
const POPPED = 0;
const PUSHED = 1;

/** See the module's description. */
export class Device {
  /** The calls of the library. */
  readonly calls: Calls;
  readonly #heap: BufferHeap;
  /** The tokens as halves, which compare without a bigint. */
  readonly #tokens: Int32Array;
  readonly #queues = new Map<number, NativeQueue>();
  /** How many pairs of places were given out so far, and those that came back. */
  #pairs = 0;
  readonly #free: number[] = [];
  /** Operations under way in the library, whoever still waits for them. */
  #underWay = 0;
  /** Where the segments of a push are gathered. */
  readonly #gathered: Chunk;

  /** Wraps the calls; buffers come from a heap. */
  constructor(calls: Calls, heap: BufferHeap) {
    this.calls = calls;
    this.#heap = heap;
    this.#tokens = new Int32Array(calls.tokens.buffer);
    this.#gathered = heap.reserve(LARGEST);
  }

  /** Whether anything is under way in the library. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  /**
   * Gives a queue two places for tokens: for what reads, and the next one for what writes. Throws
   * {@linkcode DemikernelError} `EMFILE` when all are taken.
   */
  add(queue: NativeQueue): number {
    const pair = this.#free.pop() ?? this.#pairs++;
    if (2 * pair >= TOKENS) throw new DemikernelError("EMFILE", "socket");
    this.#queues.set(queue.nativeQd, queue);
    return 2 * pair;
  }

  /** The library knows the queue no more; what was under way on it is nobody's. */
  remove(queue: NativeQueue): void {
    this.#queues.delete(queue.nativeQd);
    this.#free.push(queue.place / 2);
  }

  /** One more operation is under way, unless the call that began it gave a negative errno; gives that. */
  begun(result: number): number {
    if (result >= 0) this.#underWay++;
    return result;
  }

  /** Takes what completed, one operation at most; says how many did. */
  poll(): number {
    if (this.#underWay === 0 || this.calls.waitNextN() <= 0) return 0;
    this.#underWay--;
    // Four words at the beginning, the same in every layout: opcode, qd, and the token in two halves.
    const { results } = this.calls;
    const opcode = results[0]!;
    const errno = opcode === OPCODE.FAILED ? results[4]! : 0;
    const queue = this.#queues.get(results[1]!);
    if (queue !== undefined && queue.reading && this.#isToken(queue.place)) {
      queue.reading = false;
      queue.read(errno);
    } else if (queue !== undefined && queue.writing && this.#isToken(queue.place + 1)) {
      queue.writing = false;
      queue.wrote(errno);
    } else {
      this.#drop(opcode);
    }
    return 1;
  }

  /** The sga of the pop that completed; null at the end of a stream. */
  take(): HeapSga | null {
    const { calls } = this;
    calls.take(POPPED);
    const segments = calls.segments(POPPED);
    let length = 0;
    for (let i = 0; i < segments; i++) length += calls.length(POPPED, i);
    try {
      if (length === 0) return null;
      const chunk = this.#heap.take(length);
      let at = chunk.address;
      for (let i = 0; i < segments; i++) {
        calls.copyOut(POPPED, at, calls.length(POPPED, i), i);
        at += calls.length(POPPED, i);
      }
      return this.#heap.wrap(chunk, length);
    } finally {
      calls.free(POPPED);
    }
  }

  /**
   * Begins to push `length` bytes of an sga from byte `start` on, at most {@linkcode LARGEST}. The library has a
   * buffer of its own, so the sga is not needed any more. Gives 0 or a negative errno.
   */
  push(queue: NativeQueue, sga: HeapSga, start: number, length: number, address: boolean): number {
    const { calls } = this;
    if (!calls.allocate(PUSHED, length)) return -Errno.ENOMEM;
    calls.copyIn(PUSHED, this.#contiguous(sga, start, length), length);
    const place = queue.place + 1;
    const result = address
      ? calls.pushTo(queue.nativeQd, place, PUSHED)
      : calls.push(queue.nativeQd, place, PUSHED);
    // The library holds it as long as it needs it.
    calls.free(PUSHED);
    return this.begun(result);
  }

  /** Gives the memory back. */
  close(): void {
    this.#heap.unreserve(this.#gathered);
  }

  /** The address of a part of an sga, which is gathered if it is not in one piece. */
  #contiguous(sga: HeapSga, start: number, length: number): number {
    if (start + length <= sga.firstLength) return sga.firstAddress + start;
    let skip = start;
    let at = 0;
    for (let i = 0; at < length; i++) {
      const bytes = sga.segmentBytes(i);
      const part = bytes.subarray(skip, skip + length - at);
      this.#gathered.bytes.set(part, at);
      skip = Math.max(0, skip - bytes.length);
      at += part.length;
    }
    return this.#gathered.address;
  }

  #isToken(place: number): boolean {
    const { results } = this.calls;
    return this.#tokens[2 * place] === results[2] && this.#tokens[2 * place + 1] === results[3];
  }

  /** What nobody asks for any more must not be lost to the library. */
  #drop(opcode: number): void {
    const { calls } = this;
    if (opcode === OPCODE.POP) {
      calls.take(POPPED);
      calls.free(POPPED);
    } else if (opcode === OPCODE.ACCEPT) {
      calls.close(calls.results[calls.layout.result.acceptedQd / 4]!);
    }
  }
}
