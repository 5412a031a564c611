/**
 * Memory of devices within memory of JavaScript's.
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

/** A length in bytes, rounded up to whole pages. */
export function wholePages(length: number): number {
  return Math.ceil(length / PAGE) * PAGE;
}

/** Room for the memory of devices in an `ArrayBuffer`. It is plain memory as long as nothing is mapped. */
export class Mapping {
  /** The buffer. */
  readonly buffer: ArrayBuffer;
  /** Where the room begins in it; at a page of its own. */
  readonly offset: number;
  /** The address of that place. */
  readonly address: number;
  readonly #words = new Words(2);

  /** Makes room for `length` bytes in a new buffer, in which `more` bytes follow them. */
  constructor(length: number, more: number) {
    this.buffer = new ArrayBuffer(PAGE + wholePages(length) + more);
    const address = addressOf(new Uint8Array(this.buffer));
    this.offset = (PAGE - address % PAGE) % PAGE;
    this.address = address + this.offset;
  }

  /**
   * Maps `length` bytes of what a descriptor stands for, from `start` on, at `at` bytes from where the room begins; both
   * are multiples of a page. Throws `LibcError`.
   */
  map(at: number, length: number, fd: number, start: number = 0): void {
    this.#map(at, length, MAP.SHARED | MAP.POPULATE, fd, start);
  }

  /** Lets go of what was mapped there: it is plain memory again, which is zero. */
  unmap(at: number, length: number): void {
    this.#map(at, length, MAP.PRIVATE | MAP.ANONYMOUS, -1, 0);
  }

  #map(at: number, length: number, flags: number, fd: number, start: number): void {
    this.#words.set(0, this.address + at);
    this.#words.set(1, length);
    const { u64 } = this.#words;
    const protection = PROT.READ | PROT.WRITE;
    const result = libc().mmap(
      u64[0]!,
      u64[1]!,
      protection,
      MAP.FIXED | flags,
      fd,
      BigInt(start),
    );
    if (result === -1n) throw new LibcError("mmap", errno());
  }
}
