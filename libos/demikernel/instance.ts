/**
 * The native libOS of this thread: upstream has one to a thread, which stays until the thread ends.
 *
 * @module
 */

import { Calls } from "../../ffi/demikernel/calls.ts";
import type { NativeLibOS } from "../../ffi/demikernel/cache.ts";
import { DemikernelUnavailableError, type Library, load } from "../../ffi/demikernel/load.ts";
import { NativeCallError, start } from "../../ffi/demikernel/start.ts";
import { DemikernelError } from "../error.ts";
import { Closing } from "./closing.ts";

/** A libOS that was started on this thread. */
export interface Instance {
  /** What it was started with: the same again gets the same instance. */
  readonly key: string;
  /** Its calls. */
  readonly calls: Calls;
  /** What could not be closed yet. */
  readonly closing: Closing;
  /** Whether a libOS object has it now. */
  busy: boolean;
}

/** Operations that can be under way at once. */
export const TOKENS = 1 << 16;

let instance: Instance | undefined;

/**
 * Starts a libOS on this thread, or takes the one that an earlier libOS object of the same kind left.
 *
 * @param configuration The text of the file that upstream reads.
 * @throws {DemikernelError} `EBUSY` if this thread has another one, `ENOSYS` if the library is not understood, and
 * what upstream says.
 */
export function takeInstance(
  library: Library,
  libos: NativeLibOS,
  configuration: string,
): Instance {
  const key = `${library.path}\n${libos}\n${configuration}`;
  if (instance !== undefined && (instance.busy || instance.key !== key)) {
    throw new DemikernelError("EBUSY", "open", {
      detail: `this thread has a native libOS already` +
        (instance.busy ? "" : ", which was closed but stays, with another configuration") +
        `; upstream has one to a thread: open demikernel:${libos} in a Worker`,
    });
  }
  instance ??= makeInstance(key, libos, startCalls(library, libos, configuration));
  instance.busy = true;
  return instance;
}

function makeInstance(key: string, libos: NativeLibOS, calls: Calls): Instance {
  return { key, calls, closing: new Closing(calls, libos === "catmem"), busy: false };
}

/** Finds the library. Throws {@linkcode DemikernelError} `ENOSYS` if there is none, and says where it looked. */
export function loadLibrary(libos: NativeLibOS, path: string | undefined): Library {
  try {
    return load(libos, path);
  } catch (cause) {
    if (!(cause instanceof DemikernelUnavailableError)) throw cause;
    throw new DemikernelError("ENOSYS", "open", { detail: cause.message, cause });
  }
}

function startCalls(
  library: Library,
  libos: NativeLibOS,
  configuration: string,
): Calls {
  const path = Deno.makeTempFileSync({ prefix: "demikernel-", suffix: ".yaml" });
  try {
    Deno.writeTextFileSync(path, configuration);
    const layout = start(library, libos, path);
    return new Calls(library, layout, { tokens: TOKENS, sgas: 2, results: 1 });
  } catch (cause) {
    if (cause instanceof DemikernelUnavailableError) {
      throw new DemikernelError("ENOSYS", "open", { detail: cause.message, cause });
    }
    if (!(cause instanceof NativeCallError)) throw cause;
    throw new DemikernelError(cause.errno, "open", {
      detail: `upstream's ${libos} did not start (errno ${cause.errno}); ` +
        `set RUST_LOG=debug in the environment to see why`,
      cause,
    });
  } finally {
    Deno.removeSync(path);
  }
}
