/**
 * Memory of a device within memory of JavaScript's.
 *
 * A view of foreign memory needs the permission for all FFI. So a device's memory is mapped over a part of an
 * `ArrayBuffer`, which needs none, and may lie beside other memory in it.
 *
 * @module
 */

import { addressOf, errno } from "./memory.ts";
import { libc } from "./load.ts";
import { LibcError } from "./call.ts";
import { MAP, PROT } from "./constants.ts";
import { Words } from "./words.ts";

/** The largest page of Linux on the processors that there are, in bytes: 4 KiB on x86-64, up to 64 KiB on aarch64. */
const PAGE = Deno.build.arch === "aarch64" ? 65_536 : 4096;

/** Memory of a device at a place of an `ArrayBuffer`. */
export class Mapping {
  /** The buffer. */
  readonly buffer: ArrayBuffer;
  /** Where the device's memory begins in it. */
  readonly offset: number;
  readonly #words = new Words(2);
  readonly #length: number;

  /**
   * Maps `length` bytes, whole pages, of what a descriptor stands for into a new buffer, in which `more` bytes follow
   * them. Throws `LibcError`.
   */
  constructor(fd: number, length: number, more: number) {
    const rounded = Math.ceil(length / PAGE) * PAGE;
    this.buffer = new ArrayBuffer(PAGE + rounded + more);
    const address = addressOf(new Uint8Array(this.buffer));
    this.offset = (PAGE - address % PAGE) % PAGE;
    this.#length = length;
    this.#words.set(0, address + this.offset);
    this.#words.set(1, length);
    this.#map(MAP.SHARED | MAP.POPULATE, fd);
  }

  /** Where the device's memory is. */
  get address(): number {
    return Number(this.#words.u64[0]);
  }

  /** Lets go of the device's memory; the buffer has plain memory there again, which is zero. */
  unmap(): void {
    this.#map(MAP.PRIVATE | MAP.ANONYMOUS, -1);
  }

  #map(flags: number, fd: number): void {
    const { u64 } = this.#words;
    const protection = PROT.READ | PROT.WRITE;
    const at = libc().mmap(u64[0]!, u64[1]!, protection, MAP.FIXED | flags, fd, 0n);
    if (at === -1n) throw new LibcError("mmap", errno());
  }
}
