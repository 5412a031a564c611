/**
 * Requests of UCX's that are under way, and who waits for them.
 *
 * @module
 */

import { STATUS } from "../../ffi/ucx/layout.ts";
import type { UcxWorker } from "../../ffi/ucx/worker.ts";
import type { Chunk } from "../runtime/memory/chunk.ts";
import type { BufferHeap } from "../runtime/memory/heap.ts";
import type { Peer } from "./peer.ts";

/** Who waits for a request. */
export interface Flier {
  /** Whom it is to or from. */
  readonly peer: Peer | null;
  /** It is over. The mark is the one that it was given with. */
  landed(mark: number, status: number): void;
}

/** See the module's description. Memory that is sent from is held until UCX is through with it, whoever freed it. */
export class Flights {
  /** How many there are. */
  count = 0;
  /** Whose requests they are. */
  worker: UcxWorker;
  readonly #heap: BufferHeap;
  #requests = new BigUint64Array(64);
  readonly #fliers: (Flier | null)[] = [];
  readonly #marks: number[] = [];
  readonly #chunks: (Chunk | null)[] = [];

  /** Makes an empty list. */
  constructor(worker: UcxWorker, heap: BufferHeap) {
    this.worker = worker;
    this.#heap = heap;
  }

  /** Adds the request that the worker has just told of, and what it sends from. */
  add(flier: Flier, mark: number, chunk: Chunk | null): void {
    if (chunk !== null) chunk.references++;
    if (this.count === this.#requests.length) {
      const more = new BigUint64Array(2 * this.count);
      more.set(this.#requests);
      this.#requests = more;
    }
    this.#requests[this.count] = this.worker.request[0]!;
    this.#fliers[this.count] = flier;
    this.#marks[this.count] = mark;
    this.#chunks[this.count] = chunk;
    this.count++;
  }

  /** Tells of those that are over; says how many. */
  poll(): number {
    let over = 0;
    for (let i = this.count - 1; i >= 0; i--) {
      const status = this.worker.statusOf(this.#requests[i]!);
      if (status === STATUS.IN_PROGRESS) continue;
      this.#end(i, status);
      over++;
    }
    return over;
  }

  /** Ends those of a peer that is gone, or all, as failed: UCX does not end all of them. */
  abandon(peer: Peer | null = null): void {
    for (let i = this.count - 1; i >= 0; i--) {
      if (peer === null || this.#fliers[i]!.peer === peer) this.#end(i, STATUS.CANCELED);
    }
  }

  #end(i: number, status: number): void {
    this.worker.free(this.#requests[i]!);
    const flier = this.#fliers[i]!;
    const mark = this.#marks[i]!;
    const chunk = this.#chunks[i]!;
    const last = --this.count;
    this.#requests[i] = this.#requests[last]!;
    this.#fliers[i] = this.#fliers[last]!;
    this.#fliers[last] = null;
    this.#marks[i] = this.#marks[last]!;
    this.#chunks[i] = this.#chunks[last]!;
    this.#chunks[last] = null;
    if (chunk !== null) this.#heap.release(chunk);
    flier.landed(mark, status);
  }
}
