/**
 * Starting a libOS of a library on this thread, and finding out which layouts it uses.
 *
 * @module
 */

import { cString } from "./c_string.ts";
import type { NativeLibOS } from "./cache.ts";
import { ARGS_SIZE, type Layout, LAYOUTS, SGA_SIZE_MAX } from "./layout.ts";
import { DemikernelUnavailableError, type Library } from "./load.ts";
import { SgaAllocator, WRITES_IN_PLACE } from "./sga_allocator.ts";

/** A call of the library gave an errno. The provider turns this into its own error. */
export class NativeCallError extends Error {
  override readonly name = "NativeCallError";
  /** Why; positive. */
  readonly errno: number;

  /** Makes the error of a call that gave an errno. */
  constructor(call: string, errno: number) {
    super(`${call} gave errno ${errno}`);
    this.errno = errno;
  }
}

/**
 * Starts a libOS. It belongs to this thread, there can be one, and it stays until the thread ends.
 *
 * The library reads two variables of the environment, `LIBOS` and `CONFIG_PATH`, which are set here for the
 * whole process. Starts in several Workers wait for each other, so that each one gets its own.
 *
 * The process ends, by upstream's choice, if the library has no such libOS, or cannot read the file, or cannot
 * make sense of it: the caller has to see to that before.
 *
 * @param configPath The YAML file that upstream reads.
 * @returns The layouts that it uses.
 * @throws {NativeCallError} If the libOS could not be started; `EEXIST` if this thread has one already.
 * @throws {DemikernelUnavailableError} If the library uses none of the known layouts.
 */
export function start(library: Library, libos: NativeLibOS, configPath: string): Layout {
  const { symbols } = library;
  const unlock = lockProcess(library);
  let errno: number;
  try {
    symbols.setenv(cString("LIBOS"), cString(libos), 1);
    symbols.setenv(cString("CONFIG_PATH"), cString(configPath), 1);
    // Failures are negative, but for the one that the header tells of.
    errno = Math.abs(symbols.demi_init(new Uint8Array(ARGS_SIZE)));
  } finally {
    unlock();
  }
  if (errno !== 0) throw new NativeCallError("demi_init", errno);
  return probe(library);
}

const O_CLOEXEC = 0o2000000;
const LOCK_EX = 2;

/** Locks a file that every thread of this process has in common, and no other process. */
function lockProcess({ symbols }: Library): () => void {
  const fd = symbols.open(cString("/proc/self/environ"), O_CLOEXEC);
  // Without /proc there is no lock, and Workers must not start libOSes at the same time.
  if (fd < 0) return () => {};
  symbols.flock(fd, LOCK_EX);
  return () => symbols.close(fd);
}

const PROBED_LENGTH = 64;
const UNTOUCHED = 0xa5;

/**
 * Allocates a buffer, and looks for which layout the answer makes sense in. There is room for any known layout
 * and more, and what lies behind it must have been left alone.
 */
function probe(library: Library): Layout {
  const { symbols, path } = library;
  const bytes = new Uint8Array(SGA_SIZE_MAX + 112).fill(UNTOUCHED);
  const address = symbols.address_of(bytes, 0, 0n);
  new SgaAllocator(symbols).into(address, bytes, 0, SGA_SIZE_MAX, PROBED_LENGTH);
  const view = new DataView(bytes.buffer);
  const layout = LAYOUTS.find(({ sga, segment }) =>
    view.getUint32(sga.numsegs, true) === 1 &&
    view.getUint32(sga.segments + segment.length, true) === PROBED_LENGTH &&
    view.getBigUint64(sga.segments + segment.buf, true) !== 0n &&
    view.getBigUint64(sga.buf, true) !== 0n &&
    bytes.subarray(WRITES_IN_PLACE ? sga.size : SGA_SIZE_MAX).every((b) => b === UNTOUCHED)
  );
  if (layout === undefined || symbols.demi_sgafree(address) !== 0) {
    const names = LAYOUTS.map(({ name }) => name).join(" and ");
    throw new DemikernelUnavailableError(
      `Cannot use ${path}: its structs are laid out in an unknown way; the layouts of ${names} are known. ` +
        `Build one that is with: deno task demikernel`,
    );
  }
  return layout;
}
