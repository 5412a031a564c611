/**
 * Assertions that the tests of the runtime and of the net layer share.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DemikernelError, type ErrnoName } from "../../libos/error.ts";
import type { LibOS, QueueDescriptor } from "../../libos/pdpix.ts";

/** Fails unless the call throws a {@linkcode DemikernelError} of that code; gives the error. */
export function assertCode(code: ErrnoName, call: () => unknown): DemikernelError {
  const error = assertThrows(call, DemikernelError);
  assertEquals(error.code, code);
  return error;
}

/** As {@linkcode assertCode}, for what rejects: also with an error of Deno's, of which it is the cause. */
export async function assertRejectsCode(
  code: ErrnoName,
  result: PromiseLike<unknown>,
  seconds?: number,
): Promise<DemikernelError> {
  const told = await assertRejects(async () => await within(result, seconds), Error);
  const error = told instanceof DemikernelError ? told : told.cause;
  if (!(error instanceof DemikernelError)) throw told;
  assertEquals(error.code, code);
  return error;
}

/** Gives what is promised, or fails after some seconds: a test that hangs tells nothing. */
export async function within<T>(promise: PromiseLike<T>, seconds = 2): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing happened for ${seconds} s`)), 1e3 * seconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets so many milliseconds pass, by Deno's own timers. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Pushes one byte to a queue that has room. */
export function push(libos: LibOS, qd: QueueDescriptor, byte = 0): void {
  const sga = libos.alloc(1);
  sga.bytes()[0] = byte;
  libos.wait(libos.push(qd, sga), 0);
}
