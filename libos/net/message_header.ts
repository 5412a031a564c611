/**
 * What stands before a message in a stream of bytes and tells its length.
 *
 * @module
 */

import { wrongKind } from "../check.ts";
import { DemikernelError } from "../error.ts";

/** The header of a message, as it was read. */
export interface MessageHeader {
  /** How many bytes the header has itself. */
  readonly size: number;
  /** How many bytes follow, which are the message. */
  readonly length: number;
}

/** How the length of a message is written before it. Your own one can be given to {@linkcode Messages}. */
export interface MessageCodec {
  /** The longest message that it has a header for. */
  readonly longest: number;
  /** How many bytes the header of a message of so many bytes has. */
  size(length: number): number;
  /** Writes that header to the beginning of memory. */
  write(memory: Uint8Array, length: number): void;
  /** Reads a header from `memory[start]` to before `memory[end]`: null if it is not all there. Throws for what is none. */
  read(memory: Uint8Array, start: number, end: number): MessageHeader | null;
}

/** The ways to write a length that are known by name: bytes of an unsigned integer, or a varint of 7 bits a byte. */
export type MessageHeaderKind = 1 | 2 | 3 | 4 | "varint";

/** The codec of a kind of header. Throws {@linkcode DemikernelError} `EINVAL` for what is none. */
export function codecOf(
  header: MessageHeaderKind | MessageCodec,
  littleEndian: boolean,
): MessageCodec {
  if (header === "varint") return VARINT;
  if (typeof header === "object" && typeof header?.read === "function") return header;
  if (FIXED.includes(header)) return new FixedCodec(header as number, littleEndian);
  throw wrongKind("make messages", "header", header, '1, 2, 3, 4, "varint" or a codec');
}

const FIXED: readonly unknown[] = [1, 2, 3, 4];

/** A length in a fixed number of bytes. */
class FixedCodec implements MessageCodec {
  readonly longest: number;
  readonly #size: number;
  readonly #littleEndian: boolean;

  constructor(size: number, littleEndian: boolean) {
    this.longest = 2 ** (8 * size) - 1;
    this.#size = size;
    this.#littleEndian = littleEndian;
  }

  size(): number {
    return this.#size;
  }

  write(memory: Uint8Array, length: number): void {
    const size = this.#size;
    for (let i = 0; i < size; i++) {
      memory[this.#littleEndian ? i : size - 1 - i] = length >>> (8 * i);
    }
  }

  read(memory: Uint8Array, start: number, end: number): MessageHeader | null {
    const size = this.#size;
    if (end - start < size) return null;
    let length = 0;
    for (let i = 0; i < size; i++) {
      const at = this.#littleEndian ? start + size - 1 - i : start + i;
      length = length * 256 + memory[at]!;
    }
    return { size, length };
  }
}

/** The most bytes of a varint, for 32 bits. */
const LONGEST_VARINT = 5;

/** A length in bytes of 7 bits, the lowest first; all but the last have the highest bit (LEB128, as in Protocol Buffers). */
const VARINT: MessageCodec = {
  longest: 2 ** 32 - 1,

  size(length: number): number {
    let size = 1;
    for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
    return size;
  },

  write(memory: Uint8Array, length: number): void {
    let at = 0;
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) memory[at++] = (rest % 128) | 0x80;
    memory[at] = rest;
  },

  read(memory: Uint8Array, start: number, end: number): MessageHeader | null {
    let length = 0;
    for (let size = 1, unit = 1; size <= LONGEST_VARINT; size++, unit *= 128) {
      if (start + size > end) return null;
      const byte = memory[start + size - 1]!;
      length += (byte & 0x7f) * unit;
      if (byte < 0x80) return { size, length };
    }
    throw new DemikernelError("EPROTO", "pop message", {
      detail: `a varint has at most ${LONGEST_VARINT} bytes`,
    });
  },
};
