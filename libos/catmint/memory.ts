/**
 * The memory of the buffer heap, registered with UCX's devices: each region once, when the heap takes it.
 *
 * @module
 */

import { addressOf } from "../../ffi/libc/memory.ts";
import type { Handle, UcxContext } from "../../ffi/ucx/context.ts";
import { UcxError } from "../../ffi/ucx/struct.ts";
import type { Chunk } from "../runtime/memory/chunk.ts";

/** Shorter messages are copied by UCX, and need no registered memory, in bytes. */
const LEAST = 8192;

/** See the module's description. */
export class RegisteredMemory {
  /** How often memory was registered. */
  registrations = 0;
  readonly #ucx: UcxContext;
  readonly #handles = new Map<number, Handle>();
  /** Tells when a region is no more. The heap lets go of it by forgetting it. */
  readonly #gone = new FinalizationRegistry<{ address: number; handle: Handle | undefined }>(
    ({ address, handle }) => {
      if (this.#handles.get(address) === handle) this.#unregister(address);
    },
  );
  #closed = false;

  /** Registers with the devices of a context. */
  constructor(ucx: UcxContext) {
    this.#ucx = ucx;
  }

  /** The address of a region, which is registered; for the heap, that asks once. */
  readonly addressOf = (bytes: Uint8Array<ArrayBuffer>): number => {
    const address = addressOf(bytes);
    this.register(address, bytes.length);
    this.#gone.register(bytes.buffer, { address, handle: this.#handles.get(address) });
    return address;
  };

  /** Registers a region. Where that fails, UCX registers what it needs by itself, each time. */
  register(address: number, length: number): void {
    // What was there before is gone: else the memory were not free.
    this.#unregister(address);
    if (length === 0) return;
    try {
      this.#handles.set(address, this.#ucx.register(address, length));
      this.registrations++;
    } catch (error) {
      if (!(error instanceof UcxError)) throw error;
    }
  }

  /** The registration of a chunk, of which `length` bytes are sent or received; null if none is needed. */
  handleOf(chunk: Chunk, length: number): Handle | null {
    if (length < LEAST) return null;
    return this.#handles.get(chunk.address - chunk.start) ?? null;
  }

  /** Takes all registrations back. */
  close(): void {
    for (const address of [...this.#handles.keys()]) this.#unregister(address);
    this.#closed = true;
  }

  #unregister(address: number): void {
    const handle = this.#handles.get(address);
    if (handle === undefined || this.#closed) return;
    this.#handles.delete(address);
    this.#ucx.unregister(handle);
  }
}
