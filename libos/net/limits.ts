/**
 * The bounds of an operation, checked before it begins: what throws at once has not happened.
 *
 * @module
 */

import { checkTimeout } from "../error.ts";
import type { OperationOptions } from "../pdpix.ts";

/** Throws the reason of a signal that was aborted before, and `EINVAL` for a timeout that is none. */
export function checkLimits({ timeout, signal }: OperationOptions): void {
  signal?.throwIfAborted();
  if (timeout !== undefined) checkTimeout(timeout);
}
