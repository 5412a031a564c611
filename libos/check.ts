/**
 * What comes from outside, checked where it comes in: what is of the wrong kind is told in one line, before anything
 * was done. Values, such as a port out of range, are the libOS's to check, which says so in the same way.
 *
 * @module
 */

import { DemikernelError, inspect } from "./error.ts";

/** The kinds of value that there are, as errors name them. */
const KINDS = {
  "an object": (value: unknown) => typeof value === "object" && !Array.isArray(value),
  "an array": Array.isArray,
  "a string": (value: unknown) => typeof value === "string",
  "a function": (value: unknown) => typeof value === "function",
  "true or false": (value: unknown) => typeof value === "boolean",
  "an AbortSignal": (value: unknown) => value instanceof AbortSignal,
};

/** A kind of value. */
export type Kind = keyof typeof KINDS;

/** Throws {@linkcode DemikernelError} `EINVAL` for a value that is not of a kind; null is of none. */
export function checkKind(call: string, name: string, value: unknown, kind: Kind): void {
  if (value === null || !KINDS[kind](value)) throw wrongKind(call, name, value, kind);
}

/** Checks those options that were given: whether they are of the kinds that a table tells. */
export function checkOptions(
  call: string,
  options: object,
  kinds: Readonly<Record<string, Kind>>,
): void {
  checkKind(call, "options", options, "an object");
  for (const [name, kind] of Object.entries(kinds)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) checkKind(call, name, value, kind);
  }
}

/** The error of a value that is not what it should be. */
export function wrongKind(
  call: string,
  name: string,
  value: unknown,
  wanted: string,
): DemikernelError {
  return new DemikernelError("EINVAL", call, {
    detail: `${name} must be ${wanted}, not ${inspect(value)}`,
  });
}
