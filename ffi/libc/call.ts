/**
 * Calls off the datapath: their failure is a thrown errno.
 *
 * @module
 */

import { errno } from "./memory.ts";

/** A call of libc failed. The libOS that made it turns this into its own error. */
export class LibcError extends Error {
  override readonly name = "LibcError";
  /** Why. */
  readonly errno: number;

  /** Makes the error of a call that failed with an errno. */
  constructor(call: string, errno: number) {
    super(`${call} failed with errno ${errno}`);
    this.errno = errno;
  }
}

/** Gives a call's result back, unless it is negative. Throws {@linkcode LibcError}. */
export function check(call: string, result: number): number {
  if (result >= 0) return result;
  throw new LibcError(call, errno());
}
