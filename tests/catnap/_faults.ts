/**
 * Faults of the kernel, on demand: for a while, a function of libc fails as the test says.
 *
 * @module
 */

import { type Libc, libc } from "../../ffi/libc/load.ts";
import { addressOf } from "../../ffi/libc/memory.ts";
import { Errno, type ErrnoName } from "../../libos/error.ts";

/** A call that is to fail, or null for one that is not. */
export type Fault = ErrnoName | null;

/** How often a function was called while its faults lasted. */
export interface Faults extends Disposable {
  /** Calls so far. */
  readonly calls: number;
}

/** Lets the next calls of a function fail one by one; those after them, and those of null, are real. */
export function failing(name: keyof Libc, faults: readonly Fault[]): Faults {
  let calls = 0;
  return replaced(name, (real) => (...args) => {
    const fault = faults[calls++] ?? null;
    return fault === null ? real(...args) : failWith(fault);
  }, () => calls);
}

/** Lets the next calls of a function that fail leave another errno than theirs; `calls` tells how many did. */
export function lying(name: keyof Libc, values: readonly (ErrnoName | 0)[]): Faults {
  let lies = 0;
  return replaced(name, (real) => (...args) => {
    const result = real(...args);
    const value = values[lies];
    if ((result as number) < 0 && value !== undefined) {
      lies++;
      setErrno(value === 0 ? 0 : Errno[value]);
    }
    return result;
  }, () => lies);
}

/** Puts something else in the place of a function of libc, until it is disposed of. */
export function replaced(
  name: keyof Libc,
  replacement: (real: (...args: unknown[]) => unknown) => (...args: unknown[]) => unknown,
  calls: () => number = () => 0,
): Faults {
  const functions = libc() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const real = functions[name]!;
  functions[name] = replacement(real);
  return {
    get calls() {
      return calls();
    },
    [Symbol.dispose]() {
      functions[name] = real;
    },
  };
}

/** What a function of libc gives that fails: -1, with an errno. */
export function failWith(name: ErrnoName): number {
  setErrno(Errno[name]);
  return -1;
}

function setErrno(value: number): void {
  const { memcpy, __errno_location } = libc();
  const source = new Uint8Array(Int32Array.of(value).buffer);
  const from = BigInt(addressOf(source));
  memcpy(__errno_location(), from, 4n);
}
