/**
 * One ring of memif, seen from one end. What the other end writes there is never trusted: indices are compared with what
 * they may be, and descriptors are read once and checked.
 *
 * @module
 */

import { DESCRIPTOR, RING } from "./layout.ts";
import { Eventfd } from "./eventfd.ts";
import type { Memory } from "../../runtime/memory/memory.ts";

/** Where a ring is, and which end this is. */
export interface RingPlace {
  /** Where it begins in the memory; a multiple of 4. */
  readonly at: number;
  /** Its slots, as a power of two. */
  readonly log2: number;
  /** Whether this end is the client. */
  readonly client: boolean;
  /** Whether this end puts frames into it, and the other end takes them. */
  readonly sends: boolean;
  /** What wakes whoever takes frames from it; the link's to close. */
  readonly eventfd: number;
}

/** See the module's description. */
export class Ring {
  /** What wakes whoever takes frames from it. */
  readonly eventfd: Eventfd;
  /** How many slots it has. */
  readonly slots: number;
  /** How many slots were done at this end, modulo 2¹⁶. */
  #position = 0;
  readonly #u16: Uint16Array<ArrayBuffer>;
  readonly #flags: number;
  readonly #own: number;
  readonly #other: number;
  /**
   * The client moves `head`, by which it gives slots away. Of frames to the server that is what it did; of empty
   * buffers that is what it did, and all slots once more.
   */
  readonly #ownBias: number;
  readonly #otherBias: number;
  readonly #descriptors: number;

  /** Makes one end of a ring. */
  constructor(memory: Memory, { at, log2, client, sends, eventfd }: RingPlace) {
    this.eventfd = new Eventfd(eventfd);
    this.slots = 1 << log2;
    this.#u16 = memory.u16;
    this.#flags = (at + RING.FLAGS) >> 1;
    this.#own = (at + (client ? RING.HEAD : RING.TAIL)) >> 1;
    this.#other = (at + (client ? RING.TAIL : RING.HEAD)) >> 1;
    this.#ownBias = client && !sends ? this.slots : 0;
    this.#otherBias = client && sends ? this.slots : 0;
    this.#descriptors = at + RING.DESCRIPTORS;
  }

  /** How many slots this end may do now; -1 if the other end's index is none that it may have. */
  available(): number {
    // Nearly always nothing has come. A plain load tells so in 1 ns; an atomic one, behind which what has come is read, is
    // a call into V8, and takes 17.
    return this.#distance(this.#u16[this.#other]!) === 0 ? 0 : this.look();
  }

  /**
   * As {@linkcode Ring.available}, and no older than what this end stored before, such as that it is to be woken: some
   * processors read ahead of that with a plain load.
   */
  look(): number {
    const count = this.#distance(Atomics.load(this.#u16, this.#other));
    return count <= this.slots ? count : -1;
  }

  /** Where the descriptor of the slot is that comes `ahead` after the next one. */
  descriptor(ahead: number): number {
    const slot = (this.#position + ahead) & (this.slots - 1);
    return this.#descriptors + slot * RING.DESCRIPTOR_SIZE;
  }

  /** So many slots are done. */
  advance(count: number): void {
    this.#position = (this.#position + count) & 0xffff;
  }

  /**
   * Tells the other end of what is done. All that was written before is seen by whoever sees this; and what is read
   * afterwards, such as {@linkcode Ring.masked}, is no older: a plain store would let the other end sleep beside a frame.
   */
  publish(): void {
    Atomics.store(this.#u16, this.#own, this.#position + this.#ownBias);
  }

  /** Whether whoever takes from it looks by itself. To be asked after {@linkcode Ring.publish}. */
  get masked(): boolean {
    return (Atomics.load(this.#u16, this.#flags) & RING.MASKED) !== 0;
  }

  /** Says whether this end, which takes from it, looks by itself. */
  set masked(masked: boolean) {
    Atomics.store(this.#u16, this.#flags, masked ? RING.MASKED : 0);
  }

  /** How far the other end's index is ahead. */
  #distance(index: number): number {
    return (index + this.#otherBias - this.#position) & 0xffff;
  }
}

/** Makes an empty ring in memory that is zero, with each slot's buffer. */
export function layOutRing(
  memory: Memory,
  at: number,
  log2: number,
  region: number,
  bufferAt: number,
  bufferSize: number,
  capacity: number,
): void {
  const { i32, u16 } = memory;
  i32[(at + RING.COOKIE) >> 2] = RING.MAGIC;
  u16[(at + RING.FLAGS) >> 1] = RING.MASKED;
  for (let slot = 0; slot < 1 << log2; slot++) {
    const descriptor = at + RING.DESCRIPTORS + slot * RING.DESCRIPTOR_SIZE;
    u16[(descriptor + DESCRIPTOR.REGION) >> 1] = region;
    i32[(descriptor + DESCRIPTOR.LENGTH) >> 2] = capacity;
    i32[(descriptor + DESCRIPTOR.OFFSET) >> 2] = bufferAt + slot * bufferSize;
  }
}
