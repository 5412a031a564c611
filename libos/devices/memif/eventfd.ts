/**
 * The eventfd of a ring: what wakes whoever takes frames from it.
 *
 * @module
 */

import { addressOf } from "../../../ffi/libc/memory.ts";
import { type Libc, libc } from "../../../ffi/libc/load.ts";
import { Words } from "../../../ffi/libc/words.ts";

/** Places in {@linkcode Words}: what is written, what is read, and how long either is. */
const ONE = 0;
const COUNT = 1;
const SIZE = 2;

/** See the module's description. */
export class Eventfd {
  /** The descriptor; the link's to close. */
  readonly fd: number;
  readonly #libc: Libc = libc();
  readonly #words = new Words(3);
  readonly #counts = BigUint64Array.of(1n, 0n);

  /** One of a descriptor that blocks nobody. */
  constructor(fd: number) {
    this.fd = fd;
    const counts = addressOf(new Uint8Array(this.#counts.buffer));
    this.#words.set(ONE, counts);
    this.#words.set(COUNT, counts + 8);
    this.#words.set(SIZE, 8);
  }

  /** Wakes whoever watches it. */
  signal(): void {
    const { u64 } = this.#words;
    this.#libc.write_at(this.fd, u64[ONE]!, u64[SIZE]!);
  }

  /** Forgets all signals so far. */
  reset(): void {
    const { u64 } = this.#words;
    this.#libc.read_at(this.fd, u64[COUNT]!, u64[SIZE]!);
  }
}
