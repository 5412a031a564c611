/**
 * The bounds of an operation, checked before it begins: what throws at once has not happened.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import type { OperationOptions } from "../pdpix.ts";

/** Throws the reason of a signal that was aborted before, and `EINVAL` for a timeout that is none. */
export function checkLimits({ timeout, signal }: OperationOptions): void {
  signal?.throwIfAborted();
  if (timeout === undefined || timeout >= 0) return;
  throw new DemikernelError("EINVAL", "wait", {
    detail: `a timeout must be zero or more milliseconds, not ${timeout}`,
  });
}
