/**
 * The messages of the echo benchmarks.
 *
 * @module
 */
import { BenchmarkError } from "./_harness/command_line.ts";

/** Bytes in a message. */
export const SIZE = 64;

/** A message that differs from the one before, and the check that it came back. */
export class Message {
  /** What is sent. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SIZE);
  #count = 0;
  #received = 0;

  /** Makes the next message. */
  next(): Uint8Array<ArrayBuffer> {
    this.#count++;
    this.#received = 0;
    for (let i = 0; i < SIZE; i++) this.bytes[i] = this.#count + i * 31;
    return this.bytes;
  }

  /**
   * Takes a part of the echo; says whether all of it is here.
   *
   * @throws {BenchmarkError} If it is not what was sent.
   */
  take(part: Uint8Array): boolean {
    for (let i = 0; i < part.length; i++) {
      if (part[i] !== this.bytes[this.#received + i]) {
        throw new BenchmarkError(
          `Cannot measure: byte ${this.#received + i} of echo ${this.#count} came back wrong`,
        );
      }
    }
    this.#received += part.length;
    return this.#received === SIZE;
  }
}
