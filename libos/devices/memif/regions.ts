/**
 * The memory of a link: regions that were made here or came from the other end, mapped side by side.
 *
 * @module
 */

import { check, LibcError } from "../../../ffi/libc/call.ts";
import { F, MFD, SEEK_END } from "../../../ffi/libc/constants.ts";
import { libc } from "../../../ffi/libc/load.ts";
import { type Mapping, wholePages } from "../../../ffi/libc/map.ts";

/** Why a link cannot be, or cannot go on: the other end does what it may not. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

/** The most regions of a link. */
export const MOST_REGIONS = 16;

/** See the module's description. */
export class Regions {
  /** How many there are. */
  count = 0;
  readonly #mapping: Mapping;
  readonly #room: number;
  /** Where each begins in the buffer, and its size. */
  readonly #starts = new Int32Array(MOST_REGIONS);
  readonly #sizes = new Int32Array(MOST_REGIONS);
  #used = 0;

  /** Regions in a mapping that has so much room. */
  constructor(mapping: Mapping, room: number) {
    this.#mapping = mapping;
    this.#room = room;
  }

  /** Makes a region of a size, which never changes; gives its descriptor, which is the caller's to close. */
  make(size: number): number {
    const { memfd_create, ftruncate, fcntl, close } = libc();
    const flags = MFD.CLOEXEC | MFD.ALLOW_SEALING;
    const name = new TextEncoder().encode("memif\0");
    const fd = check("memfd_create", memfd_create(name, flags));
    try {
      check("ftruncate", ftruncate(fd, BigInt(wholePages(size))));
      check("fcntl", fcntl(fd, F.ADD_SEALS, F.SEAL_SHRINK | F.SEAL_GROW | F.SEAL_SEAL));
      this.add(fd, size);
      return fd;
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Maps a region that came from the other end. Throws {@linkcode LinkError} if it is none, or there is no room. */
  add(fd: number, size: number): void {
    if (this.count === MOST_REGIONS) throw new LinkError(`more than ${MOST_REGIONS} regions`);
    const length = wholePages(size);
    // The end of this process, were the memory to become shorter while it is mapped.
    const seals = libc().fcntl(fd, F.GET_SEALS, 0);
    if (seals < 0 || (seals & F.SEAL_SHRINK) === 0) {
      throw new LinkError("a region that is no memory sealed against becoming shorter");
    }
    const actual = Number(libc().lseek(fd, 0n, SEEK_END));
    if (size <= 0 || actual < size) {
      throw new LinkError(`a region of ${size} bytes, of which there are ${actual}`);
    }
    if (this.#used + length > this.#room) {
      throw new LinkError(`regions of more than ${this.#room} bytes`);
    }
    try {
      this.#mapping.map(this.#used, length, fd);
    } catch (error) {
      if (!(error instanceof LibcError)) throw error;
      throw new LinkError(`a region that cannot be mapped, errno ${error.errno}`);
    }
    this.#starts[this.count] = this.#mapping.bytes.byteOffset + this.#used;
    this.#sizes[this.count++] = size;
    this.#used += length;
  }

  /** Where bytes of a region are in the buffer; -1 if they are not all in it. */
  locate(region: number, offset: number, length: number): number {
    if (region >= this.count || offset + length > this.#sizes[region]!) return -1;
    return (this.#starts[region]! + offset) | 0;
  }

  /** Lets go of all of them. */
  clear(): void {
    if (this.#used > 0) this.#mapping.unmap(0, this.#used);
    this.#used = this.count = 0;
  }
}
