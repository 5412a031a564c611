/**
 * The rings of an AF_XDP socket, which the kernel and this process share. Indices run on for ever, modulo 2³².
 *
 * @module
 */

import type { Memory } from "../../runtime/memory/memory.ts";
import { XDP_DESC, XDP_OFFSETS, XDP_RING_NEED_WAKEUP } from "../../../ffi/libc/xdp.ts";

/** Bytes of an entry of the rings to fill and of what is completed: an address. */
const ADDRESS_SIZE = 8;

/** One ring. Where this process produces, it is the one to move `producer`, and else `consumer`. */
export class XdpRing {
  readonly #i32: Int32Array<ArrayBuffer>;
  readonly #mask: number;
  readonly #own: number;
  readonly #other: number;
  readonly #flags: number;
  readonly #entries: number;
  readonly #words: number;
  /** What this end has done, told or not. */
  #position = 0;

  /**
   * A ring of `size` entries at a place of a memory, where its offsets tell what is where: addresses, or descriptors of
   * frames.
   */
  constructor(
    memory: Memory,
    at: number,
    offsets: DataView<ArrayBuffer>,
    size: number,
    kind: { readonly produces: boolean; readonly frames: boolean },
  ) {
    const offset = (name: number) => (at + Number(offsets.getBigUint64(name, true))) >> 2;
    this.#i32 = memory.i32;
    this.#mask = size - 1;
    this.#own = offset(kind.produces ? XDP_OFFSETS.PRODUCER : XDP_OFFSETS.CONSUMER);
    this.#other = offset(kind.produces ? XDP_OFFSETS.CONSUMER : XDP_OFFSETS.PRODUCER);
    this.#flags = offset(XDP_OFFSETS.FLAGS);
    this.#entries = offset(XDP_OFFSETS.DESCRIPTORS);
    this.#words = (kind.frames ? XDP_DESC.SIZE : ADDRESS_SIZE) >> 2;
  }

  /** How far the other end is behind: entries that it did not take, or that it gave. */
  distance(): number {
    // Nearly always there is none. A plain load tells so in 1 ns; an atomic one, behind which entries are read, takes 17.
    if (this.#i32[this.#other] === this.#position) return 0;
    return Math.abs((Atomics.load(this.#i32, this.#other) - this.#position) | 0);
  }

  /** The word at which the next entry is. */
  next(): number {
    return this.#entries + (this.#position & this.#mask) * this.#words;
  }

  /** The next entry is done. */
  advance(): void {
    this.#position = (this.#position + 1) | 0;
  }

  /** Tells the kernel what is done. */
  publish(): void {
    Atomics.store(this.#i32, this.#own, this.#position);
  }

  /** Whether the kernel wants a call to go on. */
  get needsWakeup(): boolean {
    return (Atomics.load(this.#i32, this.#flags) & XDP_RING_NEED_WAKEUP) !== 0;
  }
}

/** Bytes that a ring of so many entries takes, which its offsets begin to tell. */
export function ringBytes(offsets: DataView<ArrayBuffer>, size: number, frames: boolean): number {
  const at = Number(offsets.getBigUint64(XDP_OFFSETS.DESCRIPTORS, true));
  return at + size * (frames ? XDP_DESC.SIZE : ADDRESS_SIZE);
}
