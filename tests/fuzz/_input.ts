/**
 * An input of the fuzzer, read as choices: whatever bytes there are, they mean something, and 0 is the ordinary.
 *
 * @module
 */

/** See the module's description. */
export class Input {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** Reads bytes from the first on. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether all was read; zeros follow. */
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next byte. */
  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** A number of 0 or more and less than `bound`, which is 256 at most. */
  below(bound: number): number {
    return this.byte() % bound;
  }

  /** 16 bits. */
  short(): number {
    return this.byte() << 8 | this.byte();
  }

  /** 32 bits, as a signed integer. */
  word(): number {
    return this.short() << 16 | this.short();
  }

  /** One of several values. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** A number near 0: mostly itself, or at a distance where something begins or ends. */
  near(): number {
    const distance = this.pick([0, 0, 0, 1, -1, 536, 1000, 1460, -1000, 65_535, -65_536]);
    return this.below(8) === 7 ? distance + this.byte() - 128 : distance;
  }

  /** Some bytes, few. */
  bytes(most: number): number[] {
    return Array.from({ length: this.below(most + 1) }, () => this.byte());
  }
}

/** The bytes of a stream are known by their sequence number, so that whoever puts it together wrongly is found out. */
export function byteAt(seq: number): number {
  return (Math.imul(seq, 0x9e3779b1) >>> 24) ^ (seq & 0xff);
}

/** Bytes of a stream from a sequence number on. */
export function textAt(seq: number, length: number): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(length);
  for (let i = 0; i < length; i++) text[i] = byteAt((seq + i) | 0);
  return text;
}

/** Fails where bytes are not those of a stream from a sequence number on. */
export function checkText(bytes: Uint8Array, seq: number, what: string): void {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== byteAt((seq + i) | 0)) throw new Error(`${what}: byte ${i} is wrong`);
  }
}
