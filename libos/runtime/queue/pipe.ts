/**
 * Pipes: what `pipe` is given, whatever the libOS makes of it.
 *
 * @module
 */

import { DemikernelError, inspect } from "../../error.ts";

/** What names a pipe: a file name in shared memory, with room for what a libOS adds. */
const NAME = /^[\w.:-]{1,64}$/;

/** Throws {@linkcode DemikernelError} `EINVAL` for what is no name, or no end, of a pipe. */
export function checkPipe(name: string, end: "pop" | "push"): void {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new DemikernelError("EINVAL", "pipe", {
      detail: `a name must be 1 to 64 letters, digits, and any of - _ . :, not ${inspect(name)}`,
    });
  }
  if (end !== "pop" && end !== "push") {
    throw new DemikernelError("EINVAL", "pipe", {
      detail: `an end is pop or push, not ${inspect(end)}`,
    });
  }
}
