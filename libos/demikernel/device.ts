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
import { Errno } from "../error.ts";
import type { Chunk } from "../runtime/memory/chunk.ts";
import type { BufferHeap } from "../runtime/memory/heap.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { TOKENS } from "./instance.ts";
import type { NativeQueue } from "./native_queue.ts";

/** The most that one sga of upstream's holds, in bytes. */
export const LARGEST = 65535;

/** What a buffer holds that is there before it is needed, in bytes. */
const SMALL = 1024;

/** Places of sgas: what was popped, and what is pushed. */
const POPPED = 0;
/** See {@linkcode POPPED}. */
export const PUSHED = 1;

/**
 * With so few operations under way, a patient poll lets the library go on until it has something: nothing is quicker to
 * answer. It takes 50 µs if there is nothing; so not when so many polls in a row have found nothing, and not with more
 * operations, of which it would take one at a time, always from the same ones. Then it is run once.
 */
const FEW = 8;
const PATIENCE = 64;

/** So many polls in the end are enough for what is under way on queues that were closed. */
const LAST_POLLS = 100;

/** What an operation that is under way does for its queue. */
export type Direction = typeof READ | typeof WRITE;
/** A pop or an accept. */
export const READ = 0;
/** A push or a connect. */
export const WRITE = 1;

/** See the module's description. */
export class Device {
  /** The calls of the library. */
  readonly calls: Calls;
  readonly #heap: BufferHeap;
  /** The tokens as halves, which compare without a bigint. */
  readonly #tokens: Int32Array;
  /** How long the library's timers may stand still, in milliseconds. */
  readonly #timersEvery: number;
  /** The operations under way, whoever still waits for them: these have the first places for tokens. */
  #underWay = 0;
  #emptyPolls = 0;
  /** Whether what was popped last is still to be freed. */
  #unfreed = false;
  /** Whether a small buffer is there for the next push. */
  #prepared = false;
  readonly #queues: (NativeQueue | null)[] = [];
  readonly #directions: Direction[] = [];
  /** When the library's timers went on last, in an array since a field would be boxed anew on each write. */
  readonly #timersAt = new Float64Array(1);
  /** Where the segments of a push are gathered. */
  readonly #gathered: Chunk;

  /** Wraps the calls; buffers come from a heap. */
  constructor(calls: Calls, heap: BufferHeap, timersEvery: number) {
    this.calls = calls;
    this.#heap = heap;
    this.#timersEvery = timersEvery;
    this.#tokens = new Int32Array(calls.tokens.buffer);
    this.#gathered = heap.reserve(LARGEST);
  }

  /** Whether anything is under way in the library. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  /**
   * Begins an operation by a call that gets a place for its token. Gives what that gave: 0, or a negative errno
   * if nothing is under way.
   */
  begin(queue: NativeQueue, direction: Direction, call: (place: number) => number): number {
    const place = this.#underWay;
    if (place === TOKENS) return -Errno.ENOBUFS;
    const result = call(place);
    if (result < 0) return result;
    this.#queues[place] = queue;
    this.#directions[place] = direction;
    this.#underWay++;
    return result;
  }

  /** Runs the library, and takes what completed; says how much that was. `Driver` says what the time and patience are. */
  poll(now: number, patient: boolean): number {
    if (this.#unfreed) this.#freePopped();
    if (this.#underWay === 0) return 0;
    const few = this.#underWay <= FEW;
    let done = patient && few && this.#emptyPolls < PATIENCE ? this.#wait() : this.#runOnce(now);
    this.#emptyPolls = done > 0 ? 0 : this.#emptyPolls + 1;
    if (few || done === 0) return done;
    // Of many, all that completed is taken before it runs again: it would always tell of the same ones first.
    for (let left = this.#underWay; left > 0; left--) {
      const place = this.calls.check(this.#underWay);
      if (place < 0) break;
      this.#complete(place);
      done++;
    }
    return done;
  }

  /** Runs the library until something completed, or for 50 µs. That moves its timers, too. */
  #wait(): number {
    if (this.calls.waitNextN() <= 0) return 0;
    const place = this.#find();
    if (place >= 0) this.#complete(place);
    else this.#drop(null, this.calls.results[0]!);
    return 1;
  }

  /** The place of the token that completed; -1 if an earlier libOS object of this thread left it behind. */
  #find(): number {
    const { results } = this.calls;
    let place = this.#underWay - 1;
    while (
      place >= 0 &&
      (this.#tokens[2 * place] !== results[2] || this.#tokens[2 * place + 1] !== results[3])
    ) place--;
    return place;
  }

  /** Runs the library for 1 µs; and for longer where its timers are due. */
  #runOnce(now: number): number {
    this.calls.poll();
    const place = this.calls.check(this.#underWay);
    if (place >= 0) {
      this.#complete(place);
      return 1;
    }
    if (now - this.#timersAt[0]! < this.#timersEvery) return 0;
    this.#timersAt[0] = now;
    return this.#wait();
  }

  /** Those under way stay the first ones: the last one takes the place of this one. */
  #complete(place: number): void {
    const queue = this.#queues[place]!;
    const direction = this.#directions[place]!;
    const last = --this.#underWay;
    this.#queues[place] = this.#queues[last]!;
    this.#directions[place] = this.#directions[last]!;
    this.#queues[last] = null;
    this.calls.moveToken(last, place);
    const { results } = this.calls;
    const opcode = results[0]!;
    const errno = opcode === OPCODE.FAILED ? results[4]! : 0;
    if (!queue.open) this.#drop(queue, opcode);
    else if (direction === READ) queue.read(errno);
    else queue.wrote(errno);
  }

  /** The sga of the pop that completed; null at the end of a stream. */
  take(): HeapSga | null {
    const { calls } = this;
    this.#freePopped();
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
      // Freed with the next poll: whoever waits for the data is quicker to have it.
      this.#unfreed = true;
    }
  }

  /**
   * Begins to push `length` bytes of an sga from byte `start` on, at most {@linkcode LARGEST}. The library has a
   * buffer of its own, so the sga is not needed any more. Gives 0 or a negative errno.
   */
  push(queue: NativeQueue, sga: HeapSga, start: number, length: number, address: boolean): number {
    const { calls } = this;
    if (this.#prepared && length <= SMALL) calls.cut(PUSHED, length);
    else if (!this.#allocate(length)) return -Errno.ENOMEM;
    calls.copyIn(PUSHED, this.#contiguous(sga, start, length), length);
    const result = this.begin(queue, WRITE, address ? queue.callPushTo : queue.callPush);
    // The library holds it as long as it needs it.
    calls.free(PUSHED);
    // The next push does not have to wait for a buffer.
    this.#prepared = calls.allocate(PUSHED, SMALL);
    return result;
  }

  #allocate(length: number): boolean {
    if (this.#prepared) this.calls.free(PUSHED);
    this.#prepared = false;
    return this.calls.allocate(PUSHED, length);
  }

  #freePopped(): void {
    if (this.#unfreed) this.calls.free(POPPED);
    this.#unfreed = false;
  }

  /** Takes what the queues that were closed leave behind, and gives the memory back. */
  close(): void {
    for (let i = 0; this.busy && i < LAST_POLLS; i++) this.poll(Infinity, true);
    this.#freePopped();
    if (this.#prepared) this.calls.free(PUSHED);
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

  /** What nobody asks for any more must not be lost to the library. */
  #drop(queue: NativeQueue | null, opcode: number): void {
    const { calls } = this;
    if (opcode === OPCODE.POP) {
      this.#freePopped();
      calls.take(POPPED);
      this.#unfreed = true;
    } else if (opcode === OPCODE.ACCEPT) {
      const qd = calls.results[calls.layout.result.acceptedQd / 4]!;
      if (queue !== null) queue.closeAccepted(qd);
      else calls.close(qd);
    }
  }
}
