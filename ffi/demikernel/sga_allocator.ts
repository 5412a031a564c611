/**
 * `demi_sgaalloc` gives a struct by value, which Deno makes a slow call of. Where the processor's calling
 * convention allows, it is a fast one.
 *
 * @module
 */

import type { DemikernelSymbols } from "./symbols.ts";

/**
 * Whether the library itself writes the struct where it goes, and touches nothing behind it. On aarch64 the
 * address would have to be in a register that no parameter is in.
 */
export const WRITES_IN_PLACE: boolean = Deno.build.arch === "x86_64";

/** Makes sgas in memory of the caller. */
export class SgaAllocator {
  readonly #symbols: DemikernelSymbols;
  readonly #inPlace: boolean;
  readonly #length = new BigUint64Array(1);
  readonly #lengthLow = new Uint32Array(this.#length.buffer);

  /** Makes one for a library; the way that works everywhere may be asked for. */
  constructor(symbols: DemikernelSymbols, inPlace: boolean = WRITES_IN_PLACE) {
    this.#symbols = symbols;
    this.#inPlace = inPlace;
  }

  /**
   * Makes an sga; all zeros if there is no memory for it.
   *
   * @param address Where.
   * @param memory What has that place in it.
   * @param offset Where in it, in bytes.
   * @param size Of an sga, in bytes.
   * @param length Of its data, 1 to 65535 bytes.
   */
  into(
    address: bigint,
    memory: Uint8Array<ArrayBuffer>,
    offset: number,
    size: number,
    length: number,
  ): void {
    this.#lengthLow[0] = length;
    if (this.#inPlace) {
      this.#symbols.sgaalloc_into(address, this.#length[0]!);
    } else {
      memory.set(this.#symbols.demi_sgaalloc(this.#length[0]!).subarray(0, size), offset);
    }
  }
}
