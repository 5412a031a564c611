/**
 * Waiting, for libOSes that block the thread and for those that cannot: there the thread is given back meanwhile.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { DemikernelError } from "../../libos/error.ts";
import type { Completion, LibOS, QToken } from "../../libos/pdpix.ts";

/** What Deno does at once is told after so many microtasks; it looks at its sockets in one of 61 goes. */
const STEPS = 16;
const GOES = 64;
/** So many rows of goes, and then a timer between them. */
const ROWS = 64;
/** Milliseconds in which Deno does everything that is ready. */
const MOMENT = 50;

/** As {@linkcode LibOS.wait}. */
export async function wait(libos: LibOS, qt: QToken, timeout?: number): Promise<Completion> {
  return await patiently(libos, timeout, (timeout) => libos.wait(qt, timeout));
}

/** As {@linkcode LibOS.waitAny}. */
export async function waitAny(
  libos: LibOS,
  qts: readonly QToken[],
  timeout?: number,
): Promise<Completion> {
  return await patiently(libos, timeout, (timeout) => libos.waitAny(qts, timeout));
}

/** As {@linkcode LibOS.waitAll}. */
export async function waitAll(
  libos: LibOS,
  qts: readonly QToken[],
  timeout?: number,
): Promise<Completion[]> {
  return await patiently(libos, timeout, (timeout) => libos.waitAll(qts, timeout));
}

/** As {@linkcode LibOS.waitNextN}. */
export async function waitNextN(
  libos: LibOS,
  count: number,
  timeout?: number,
): Promise<Completion[]> {
  return await patiently(libos, timeout, (timeout) => libos.waitNextN(count, timeout));
}

/** Lets a libOS that cannot block do what is ready; the others have done so by themselves. */
export async function breathe(libos: LibOS): Promise<void> {
  if (!libos.capabilities.blocks) await new Promise((resolve) => setTimeout(resolve, MOMENT));
}

/** Waits, or asks again and again for what is over already. */
async function patiently<T extends object>(
  libos: LibOS,
  timeout: number | undefined,
  wait: (timeout?: number) => T,
): Promise<T> {
  if (libos.capabilities.blocks) return wait(timeout);
  const deadline = performance.now() + (timeout ?? Infinity);
  for (let asked = 0;; asked++) {
    const isLast = performance.now() >= deadline;
    try {
      const given = wait(0);
      if (isLast || !Array.isArray(given) || given.length > 0) return given;
    } catch (error) {
      const isPending = error instanceof DemikernelError && error.code === "ETIMEDOUT";
      if (!isPending || isLast) throw error;
    }
    if (asked === 0) { for (let i = 0; i < STEPS; i++) await Promise.resolve(); }
    else if (asked < ROWS) { for (let i = 0; i < GOES; i++) await go(); }
    else await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function go(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
