/**
 * Chunks: the pieces of memory that sgas are made of.
 *
 * @module
 */

import { DemikernelError } from "../../error.ts";
import { Memory } from "./memory.ts";
import type { Region } from "./size_class.ts";

/** A piece of memory that one or more sgas hold. */
export class Chunk {
  /** Its whole memory; empty once the application transferred that away, which it can if it stands alone. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How large it is, or was. */
  readonly size: number;
  /** The memory that it is a part of. */
  readonly memory: Memory;
  /** Where it begins there. */
  readonly start: number;
  /** Where it is, for the device; 0 where there is no device. */
  readonly address: number;
  /** The region it is cut from; null if it stands alone. */
  readonly region: Region | null;
  /** How many sgas hold it. */
  references = 0;
  /**
   * The view that was asked for last, and the one before it: the next message is often of the same size, and
   * a chunk that goes from request to reply and back has two. To make one costs more than to send it.
   */
  #view: Uint8Array<ArrayBuffer>;
  #otherView: Uint8Array<ArrayBuffer>;
  /** In debug mode, where it was allocated. */
  origin: string | undefined = undefined;

  /** Makes a chunk over memory of the heap. */
  constructor(bytes: Uint8Array<ArrayBuffer>, address: number, region: Region | null) {
    this.bytes = bytes;
    this.size = bytes.length;
    this.memory = region === null ? new Memory(bytes.buffer) : region.memory;
    this.start = bytes.byteOffset;
    this.address = address;
    this.region = region;
    this.#view = bytes;
    this.#otherView = bytes;
  }

  /** The memory from `offset` on, `length` bytes. Throws {@linkcode DemikernelError} `EFAULT` if it is gone. */
  slice(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const start = this.bytes.byteOffset + offset;
    const view = this.#view;
    if (view.byteOffset === start && view.length === length) return view;
    const other = this.#otherView;
    if (this.bytes.length === 0) throw transferred("access sga");
    this.#otherView = view;
    this.#view = other.byteOffset === start && other.length === length
      ? other
      : this.bytes.subarray(offset, offset + length);
    return this.#view;
  }
}

/** The error of memory that the application posted to a worker, or gave to a stream that took it. */
export function transferred(operation: string, qd?: number): DemikernelError {
  return new DemikernelError("EFAULT", operation, {
    qd,
    detail: "the memory of this sga was transferred away; " +
      "give copies (toUint8Array) to what transfers",
  });
}
