/**
 * Memory of a device within memory of JavaScript's, and memory of JavaScript's given back.
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

/** Memory of a device at a place of an `ArrayBuffer`. */
export class Mapping {
  /** Where it is. */
  readonly address: number;
  /** Kept, so that the buffer does not go before the mapping. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #words = new Words(2);

  /**
   * Maps what a descriptor stands for over bytes, whole pages that nobody else uses: all of them, and nothing else. What
   * they held is gone. Throws `RangeError` for what are no whole pages, and `LibcError`.
   */
  constructor(bytes: Uint8Array<ArrayBuffer>, fd: number) {
    this.address = addressOfPages(bytes);
    this.bytes = bytes;
    this.#words.set(0, this.address);
    this.#words.set(1, bytes.length);
    this.#map(MAP.SHARED | MAP.POPULATE, fd);
  }

  /** Lets go of the device's memory; there is plain memory again, which is zero. */
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
