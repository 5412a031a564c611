/**
 * Who closes what: a libOS that was opened by name goes with what it was opened for, and a queue that went
 * with its libOS is not closed twice.
 *
 * @module
 */

import { wrongKind } from "../check.ts";
import { DemikernelError } from "../error.ts";
import { type LibOSName, nameByDefault, open } from "../open.ts";
import type { LibOS, QueueDescriptor } from "../pdpix.ts";

/** Which libOS to use. */
export interface LibOSOption {
  /**
   * An open libOS, or the name of one. That is opened when it is first asked for by name, shared by all who ask for
   * it, and closed with the last of what it was opened for. By default it is what `open()` gives: see `OpenOptions`.
   *
   * @default {"catnap"}
   */
  readonly libos?: LibOS | LibOSName;
}

/** A libOS that was opened by name, and how many hold it. */
interface Shared {
  readonly libos: LibOS;
  holders: number;
}

const shared = new Map<LibOSName, Shared>();

/** A libOS and who holds it: one that was opened by name is closed when the last of them lets go. */
export class Lease {
  /** The libOS. */
  readonly libos: LibOS;
  readonly #name: LibOSName | null;
  readonly #shared: Shared | null;

  /** Takes the libOS that is given, or opens it. Throws as {@linkcode open}. */
  constructor({ libos = nameByDefault() }: LibOSOption) {
    if (typeof libos === "string") {
      this.#name = libos;
      this.#shared = take(libos);
      this.libos = this.#shared.libos;
    } else {
      checkLibOS(libos);
      this.#name = null;
      this.#shared = null;
      this.libos = libos;
    }
  }

  /** One more holds it. Gives the function that lets go again. */
  hold(): () => void {
    if (this.#shared !== null) this.#shared.holders++;
    return this.letGo;
  }

  /** One lets go. Resolves when the libOS is closed, if this closes it. */
  async end(): Promise<void> {
    if (this.#shared === null || --this.#shared.holders > 0) return;
    // Whoever asks for it from now on gets another one.
    if (shared.get(this.#name!) === this.#shared) shared.delete(this.#name!);
    await this.libos.exit();
  }

  /** As {@linkcode Lease.end}, for who has nothing to wait for. */
  readonly letGo = (): void => void this.end();
}

function take(name: LibOSName): Shared {
  let one = shared.get(name);
  // Somebody may have closed it who had no part in it.
  if (one === undefined || isClosed(one.libos)) {
    shared.set(name, one = { libos: open(name), holders: 0 });
  }
  one.holders++;
  return one;
}

/** Throws {@linkcode DemikernelError} `EINVAL` for what is no libOS. */
export function checkLibOS(libos: LibOS): void {
  if (typeof libos?.socket === "function" && typeof libos.operations?.pop === "function") return;
  throw wrongKind("use libOS", "libos", libos, "an open libOS, or the name of one");
}

/** Whether a libOS was closed. */
export function isClosed(libos: LibOS): boolean {
  try {
    libos.alloc(0).free();
    return false;
  } catch (error) {
    return error instanceof DemikernelError && error.code === "ENODEV";
  }
}

/** Closes a queue, unless its libOS was closed before, and the queue with it. */
export function closeQueue(libos: LibOS, qd: QueueDescriptor): void {
  try {
    libos.close(qd);
  } catch (error) {
    if (!(error instanceof DemikernelError && error.code === "EBADF")) throw error;
  }
}
