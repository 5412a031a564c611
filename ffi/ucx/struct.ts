/**
 * Structs for UCX, and what its calls give.
 *
 * @module
 */

import { STATUS, STRUCT_SIZE } from "./layout.ts";

/** A call of UCX's failed that is made off the datapath. */
export class UcxError extends Error {
  override readonly name = "UcxError";
  /** Its status. */
  readonly status: number;

  /** Makes the error of a call. */
  constructor(call: string, status: number) {
    super(`${call} failed with status ${status}`);
    this.status = status;
  }
}

/** Throws {@linkcode UcxError} for every status but `OK`. */
export function check(call: string, status: number): void {
  if (status !== STATUS.OK) throw new UcxError(call, status);
}

/** Memory for one struct. */
export class Struct {
  /** All of it. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(STRUCT_SIZE);
  readonly #view = new DataView(this.bytes.buffer);

  /** Sets a field. */
  u32(offset: number, value: number): void {
    this.#view.setUint32(offset, value, true);
  }

  /** Sets a field. */
  u64(offset: number, value: bigint): void {
    this.#view.setBigUint64(offset, value, true);
  }
}
