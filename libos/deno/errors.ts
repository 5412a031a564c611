/**
 * The errors of Deno's sockets, as errnos.
 *
 * @module
 */

import { Errno, type ErrnoName } from "../error.ts";

/** Of those that carry no code: what closing does to what is under way, and what Deno refuses by itself. */
const BY_NAME: Readonly<Record<string, ErrnoName>> = {
  AbortError: "ECANCELED",
  BadResource: "ECANCELED",
  Interrupted: "ECANCELED",
  NotCapable: "EACCES",
  // Deno refuses port 0, which is nobody's; all else was checked before.
  RangeError: "EADDRNOTAVAIL",
  PermissionDenied: "EACCES",
  NotSupported: "ENOTSUP",
  UnexpectedEof: "ECONNRESET",
};

/** The errno of what a call of Deno's threw, or was rejected with: `EIO` for what tells none. */
export function errnoOf(error: unknown): number {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === "string" && Object.hasOwn(Errno, code)) return Errno[code as ErrnoName];
  const named = typeof name === "string" && Object.hasOwn(BY_NAME, name) ? BY_NAME[name]! : "EIO";
  return Errno[named];
}

/** What is thrown as it is: an errno would not say which permission is missing. */
export function reasonOf(error: unknown): unknown {
  return error instanceof Deno.errors.NotCapable ? error : undefined;
}
