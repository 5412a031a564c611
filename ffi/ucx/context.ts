/**
 * A context of UCX's: what its workers share, transports and registered memory.
 *
 * @module
 */

import { FEATURE, MEMORY_PARAMS, PARAMS } from "./layout.ts";
import { type Ucx, ucx } from "./load.ts";
import { check, Struct } from "./struct.ts";

/** The version of the interface that is spoken. */
const API = { MAJOR: 1, MINOR: 13 } as const;

/** A handle of UCX's, as it is passed. */
export type Handle = BigUint64Array<ArrayBuffer>;

/** See the module's description. */
export class UcxContext {
  /** The functions. */
  readonly ucx: Ucx;
  /** Its handle. */
  readonly handle: Handle = new BigUint64Array(1);

  /** Makes one, of the transports that `UCX_TLS` names or UCX chooses. Throws `UcxError`, and what {@linkcode ucx} throws. */
  constructor() {
    this.ucx = ucx();
    const params = new Struct();
    params.u64(PARAMS.MASK, PARAMS.FIELD_FEATURES);
    params.u64(PARAMS.FEATURES, FEATURE.TAG | FEATURE.WAKEUP);
    check(
      "ucp_init",
      this.ucx.ucp_init_version(API.MAJOR, API.MINOR, params.bytes, 0n, this.handle),
    );
  }

  /** Registers memory with the devices. Gives its handle. Throws `UcxError`. */
  register(address: number, length: number): Handle {
    const params = new Struct();
    const { FIELD_ADDRESS, FIELD_LENGTH } = MEMORY_PARAMS;
    params.u64(MEMORY_PARAMS.MASK, FIELD_ADDRESS | FIELD_LENGTH);
    params.u64(MEMORY_PARAMS.ADDRESS, BigInt(address));
    params.u64(MEMORY_PARAMS.LENGTH, BigInt(length));
    const memory: Handle = new BigUint64Array(1);
    check("ucp_mem_map", this.ucx.ucp_mem_map(this.handle[0]!, params.bytes, memory));
    return memory;
  }

  /** Takes a registration back. */
  unregister(memory: Handle): void {
    this.ucx.ucp_mem_unmap(this.handle[0]!, memory[0]!);
  }

  /** Lets go of it. There must be no worker or registration left. */
  close(): void {
    this.ucx.ucp_cleanup(this.handle[0]!);
  }
}
