/**
 * One connection attempt at a time to a listener of catloop. All clients of one share a pipe to it; two that
 * connect at once get each other's answers, over which the process of the listener ends.
 *
 * The lock is on the shared memory of that pipe, so it holds between processes too, and ends with them.
 *
 * @module
 */

import type { Library } from "../../ffi/demikernel/load.ts";
import { cString } from "../../ffi/demikernel/c_string.ts";
import type { InetAddress } from "../pdpix.ts";

const O_CLOEXEC = 0o2000000;
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes the lock of a listener: gives what releases it, or null while another one has it. */
export type TakeLock = (listener: InetAddress) => (() => void) | null;

/** Makes the locks over a library's libc. */
export function makeConnectLocks({ symbols }: Library): TakeLock {
  return ({ hostname, port }) => {
    const path = `/dev/shm/demikernel-${hostname}:${port}:rx`;
    const fd = symbols.open(cString(path), O_CLOEXEC);
    // Nobody listens: the attempt will tell.
    if (fd < 0) return () => {};
    if (symbols.flock(fd, LOCK_EX | LOCK_NB) === 0) return () => symbols.close(fd);
    symbols.close(fd);
    return null;
  };
}
