/**
 * Memory of devices within memory of JavaScript's, and memory of JavaScript's given back.
 *
 * A view of foreign memory needs the permission for all FFI. So a device's memory is mapped over a part of an
 * `ArrayBuffer`, which needs none, and may lie beside other memory in it.
 *
 * @module
 */

import { addressOf, errno } from "./memory.ts";
import { check, LibcError } from "./call.ts";
import { libc } from "./load.ts";
import { MADV, MAP, PROT } from "./constants.ts";
import { Words } from "./words.ts";

/** The largest page of Linux on the processors that there are, in bytes: 4 KiB on x86-64, up to 64 KiB on aarch64. */
const PAGE = Deno.build.arch === "aarch64" ? 65_536 : 4096;

/** A length in bytes, rounded up to whole pages. */
export function wholePages(length: number): number {
  return Math.ceil(length / PAGE) * PAGE;
}

/** Room for the memory of devices. It is plain memory as long as nothing is mapped. */
export class Mapping {
  /** Where it is. */
  readonly address: number;
  /** Kept, so that the buffer does not go before what is mapped. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #words = new Words(2);

  /** Takes bytes, whole pages that nobody else uses. Throws `RangeError` for what are no whole pages. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.address = addressOfPages(bytes);
    this.bytes = bytes;
  }

  /**
   * Maps `length` bytes of what a descriptor stands for, from `start` on, at `at` bytes from where the room begins; all are
   * multiples of a page. What was there is gone. Throws `RangeError` for what is not of whole pages in the room, and
   * `LibcError`.
   */
  map(at: number, length: number, fd: number, start: number = 0): void {
    this.#map(at, length, MAP.SHARED | MAP.POPULATE, fd, start);
  }

  /** Lets go of what was mapped there: it is plain memory again, which is zero. Throws as {@linkcode Mapping.map}. */
  unmap(at: number, length: number): void {
    this.#map(at, length, MAP.PRIVATE | MAP.ANONYMOUS, -1, 0);
  }

  #map(at: number, length: number, flags: number, fd: number, start: number): void {
    if (at + length > this.bytes.length) {
      throw new RangeError(`No room for ${length} bytes at ${at}`);
    }
    this.#words.set(0, addressOfPages(this.bytes.subarray(at, at + length)));
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

/**
 * Gives the memory of whole pages back to the system; they are zero when they are touched again. Throws `RangeError` for
 * what are no whole pages, and `LibcError`.
 */
export function discard(bytes: Uint8Array<ArrayBuffer>): void {
  addressOfPages(bytes);
  check("madvise", libc().madvise(bytes, BigInt(bytes.length), MADV.DONTNEED));
}

function addressOfPages(bytes: Uint8Array<ArrayBuffer>): number {
  const address = addressOf(bytes);
  if (address % PAGE === 0 && bytes.length % PAGE === 0 && bytes.length > 0) return address;
  throw new RangeError(`These are no whole pages of ${PAGE} bytes: ${bytes.length} bytes`);
}
