/**
 * What libc needs of memory: addresses of it, and the errno of the last call.
 *
 * @module
 */

import { libc } from "./load.ts";

/** The address of memory, which stays there as long as it is referenced; it is below 2⁴⁸. */
export function addressOf(bytes: Uint8Array<ArrayBuffer>): number {
  return Number(libc().address_of(bytes, 0, 0n));
}

let errnoOf: (() => number) | undefined;

/**
 * The errno of the last call of this thread. It has to be read at once, before anything else that may
 * enter libc. It is copied out by `memcpy`, since a view of foreign memory needs the permission for all FFI.
 */
export function errno(): number {
  return (errnoOf ??= makeErrno())();
}

function makeErrno(): () => number {
  const { __errno_location, memcpy, address_of } = libc();
  const value = new Int32Array(1);
  const arguments_ = BigUint64Array.of(
    BigInt(address_of(new Uint8Array(value.buffer), 0, 0n)),
    BigInt(__errno_location()),
    4n,
  );
  return () => {
    memcpy(arguments_[0]!, arguments_[1]!, arguments_[2]!);
    return value[0]!;
  };
}
