/**
 * The errno of a failed call on a socket that can be made again.
 *
 * It is read by a second call. V8 and Deno may do something on this thread in between, such as to let go of what a garbage
 * collection found, and leave an errno of their own.
 *
 * @module
 */

import { Errno } from "../error.ts";
import { errno } from "../../ffi/libc/memory.ts";

/** From here on errnos are of networks and sockets, `<asm-generic/errno.h>`. */
const FIRST_OF_NETWORKS = 64;
/** Those before that a socket may have. */
const POSSIBLE: readonly number[] = [
  Errno.EPERM,
  Errno.EINTR,
  Errno.EBADF,
  Errno.EAGAIN,
  Errno.ENOMEM,
  Errno.EACCES,
  Errno.EINVAL,
  Errno.ENFILE,
  Errno.EMFILE,
  Errno.EPIPE,
];
/** What is told more often than so in a row is what the kernel says. */
const PATIENCE = 3;

let doubted = 0;

/**
 * Reads it, as {@linkcode errno} does; `EINTR` for one that a socket cannot have: the call is to be made again. What cannot be
 * and stays is told all the same.
 */
export function socketErrno(): number {
  const value = errno();
  if (
    value === Errno.EAGAIN || value >= FIRST_OF_NETWORKS || POSSIBLE.includes(value) ||
    doubted === PATIENCE
  ) {
    doubted = 0;
    return value;
  }
  doubted++;
  return Errno.EINTR;
}
