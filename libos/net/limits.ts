/**
 * The bounds of an operation, checked before it begins: what throws at once has not happened.
 *
 * @module
 */

import { checkKind } from "../check.ts";
import { checkTimeout } from "../error.ts";
import type { OperationOptions } from "../pdpix.ts";

/** Throws the reason of a signal that was aborted before, and `EINVAL` for what is no bound. */
export function checkLimits(call: string, options: OperationOptions): void {
  checkKind(call, "options", options, "an object");
  const { timeout, signal } = options;
  if (signal !== undefined) {
    checkKind(call, "signal", signal, "an AbortSignal");
    signal.throwIfAborted();
  }
  if (timeout !== undefined) checkTimeout(timeout);
}
