/**
 * The layouts of `struct msghdr` and `struct iovec` on 64-bit Linux, for `sendmsg`.
 *
 * @module
 */

import { Words } from "./words.ts";

/** In 64-bit words: where the fields of the header are, and how large it and a segment are. */
export const MESSAGE = {
  NAME: 0,
  NAME_LENGTH: 1,
  VECTOR: 2,
  VECTOR_LENGTH: 3,
  CONTROL: 4,
  CONTROL_LENGTH: 5,
  SIZE: 7,
  SEGMENT_SIZE: 2,
  /** `IOV_MAX`, `<limits.h>`. */
  SEGMENTS_MAX: 1024,
} as const;

/** A message header with room for as many segments as one call takes. */
export class MessageHeader {
  /** Where it is. */
  readonly address: number;
  /** How many segments it has. */
  segments = 0;
  readonly #words = new Words(MESSAGE.SIZE + MESSAGE.SEGMENT_SIZE * MESSAGE.SEGMENTS_MAX);

  /** Makes one without segments; `addressOf` tells where its memory is. */
  constructor(addressOf: (bytes: Uint8Array<ArrayBuffer>) => number) {
    this.address = addressOf(new Uint8Array(this.#words.u64.buffer));
    this.#words.set(MESSAGE.VECTOR, this.address + 8 * MESSAGE.SIZE);
  }

  /** Makes it empty, and without an address. */
  clear(): void {
    this.segments = 0;
    this.#words.set(MESSAGE.VECTOR_LENGTH, 0);
    this.setName(0, 0);
  }

  /** Says where the message goes. */
  setName(address: number, length: number): void {
    this.#words.set(MESSAGE.NAME, address);
    this.#words.set(MESSAGE.NAME_LENGTH, length);
  }

  /** Adds a segment; there must be room for it. */
  addSegment(address: number, length: number): void {
    const at = MESSAGE.SIZE + MESSAGE.SEGMENT_SIZE * this.segments++;
    this.#words.set(at, address);
    this.#words.set(at + 1, length);
    this.#words.set(MESSAGE.VECTOR_LENGTH, this.segments);
  }
}
