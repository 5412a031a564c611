/**
 * A pool of mbufs, whose memory JavaScript sees as one.
 *
 * @module
 */

import { addressOf } from "../../../ffi/libc/memory.ts";
import { deviceError } from "../interface.ts";
import { dequeueFunction, dpdk, MBUF_LAYOUT, viewMemory } from "../../../ffi/dpdk/dpdk.ts";
import { Memory } from "../../runtime/memory/memory.ts";
import { Trampoline } from "../../../ffi/libffi/trampoline.ts";

/** Mbufs of a pool: one less than a power of two is what its ring takes. */
export const MBUFS = 8191;

/** Where a frame begins behind the headroom, so that the words of its packet are aligned. */
export const SHIFT = 2;

/** See the module's description. */
export class Pool {
  /** Bytes of a frame at most. */
  readonly room: number;
  /** Its address. */
  readonly address: number;
  /** Its memory, and the address at which that begins. */
  readonly memory: Memory;
  readonly base: number;
  readonly #dequeue: Trampoline;
  /** Addresses of mbufs that it gave. */
  readonly given = new Int32Array(2 * MBUFS);

  /** Makes one. Throws {@linkcode DemikernelError} `ENOMEM`. */
  constructor(name: string, room: number) {
    this.room = room;
    const bytes = new TextEncoder().encode(`${name}\0`);
    const size = MBUF_LAYOUT.HEADROOM + SHIFT + room;
    const pool = dpdk().rte_pktmbuf_pool_create(bytes, MBUFS, 0, 0, size, -1);
    if (pool === null) {
      throw deviceError(
        "ENOMEM",
        `no pool of ${MBUFS} buffers of ${size} bytes: give EAL more memory, such as -m 256, and the package ` +
          `librte-mempool-ring23`,
      );
    }
    this.address = Number(Deno.UnsafePointer.value(pool));
    this.#dequeue = new Trampoline(
      dequeueFunction(this.address),
      "i32",
      "pointer",
      "pointer",
      "u32",
    );
    this.#dequeue.set(0, this.address);
    this.#dequeue.set(1, addressOf(new Uint8Array(this.given.buffer)));
    // All of them once, to see where they are.
    if (!this.take(MBUFS)) throw deviceError("ENOMEM", "a pool that was just made is not full");
    const addresses = Array.from({ length: MBUFS }, (_, i) => this.#givenAt(i));
    this.base = Math.min(...addresses);
    const length = Math.max(...addresses) - this.base + MBUF_LAYOUT.SIZE + size;
    // Offsets are of 32 bits.
    if (length >= 2 ** 31) throw deviceError("ENOMEM", "a pool whose memory is too far apart");
    this.memory = new Memory(viewMemory(this.base, length));
    for (const address of addresses) this.#shift(address - this.base);
    dpdk().rte_pktmbuf_free_bulk(BigInt(addressOf(new Uint8Array(this.given.buffer))), MBUFS);
  }

  /** Takes so many mbufs, whose addresses are in {@linkcode Pool.given} then; says whether there were so many. */
  take(count: number): boolean {
    this.#dequeue.set(2, count);
    return this.#dequeue.call() === 0;
  }

  /** How many are there now. */
  get available(): number {
    return dpdk().rte_mempool_avail_count(BigInt(this.address));
  }

  #givenAt(i: number): number {
    return (this.given[2 * i]! >>> 0) + this.given[2 * i + 1]! * 2 ** 32;
  }

  /** Has the buffer of an mbuf begin a little later. Nobody sets that anew. */
  #shift(mbuf: number): void {
    const { i32, u16 } = this.memory;
    for (const field of [MBUF_LAYOUT.BUFFER, MBUF_LAYOUT.IOVA]) i32[(mbuf + field) >> 2]! += SHIFT;
    u16[(mbuf + MBUF_LAYOUT.BUFFER_LENGTH) >> 1]! -= SHIFT;
  }
}
