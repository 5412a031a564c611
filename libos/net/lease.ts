/**
 * Who closes what: a libOS that was opened by name goes with what it was opened for, and a queue that went
 * with its libOS is not closed twice.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import { type LibOSName, open } from "../open.ts";
import type { LibOS, QueueDescriptor } from "../pdpix.ts";

/** Which libOS to use. */
export interface LibOSOption {
  /**
   * An open libOS, or the name of one, which is then opened, and closed with what it was opened for.
   *
   * @default {"catnap"}
   */
  readonly libos?: LibOS | LibOSName;
}

/** A libOS and who holds it: one that was opened here is closed when the last of them lets go. */
export class Lease {
  /** The libOS. */
  readonly libos: LibOS;
  readonly #owned: boolean;
  #holders = 1;

  /** Takes the libOS that is given, or opens it. Throws as {@linkcode open}. */
  constructor({ libos = "catnap" }: LibOSOption) {
    this.#owned = typeof libos === "string";
    this.libos = typeof libos === "string" ? open({ libos }) : libos;
  }

  /** One more holds it. Gives the function that lets go again. */
  hold(): () => void {
    this.#holders++;
    return this.#letGo;
  }

  /** One lets go. Resolves when the libOS is closed, if this closes it. */
  async end(): Promise<void> {
    this.#holders--;
    if (this.#owned && this.#holders === 0) await this.libos.exit();
  }

  readonly #letGo = (): void => void this.end();
}

/** Closes a queue, unless its libOS was closed before, and the queue with it. */
export function closeQueue(libos: LibOS, qd: QueueDescriptor): void {
  try {
    libos.close(qd);
  } catch (error) {
    if (!(error instanceof DemikernelError && error.code === "EBADF")) throw error;
  }
}
