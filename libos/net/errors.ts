/**
 * The errors of the coroutine layer: those of Deno, as its own network calls throw them.
 *
 * Every error has the `code` of its errno. It stays a {@linkcode DemikernelError} where Deno has no class for it:
 * - arguments that make no sense: `EINVAL`, `ENAMETOOLONG`, `EAFNOSUPPORT`, `EMSGSIZE`, `EDESTADDRREQ`;
 * - a connection that is there already, or on its way: `EISCONN`, `EINPROGRESS`, `EALREADY`;
 * - what ran out: `ENOMEM`, `ENOBUFS`, `EMFILE`, `ENFILE`;
 * - the network and the device: `EHOSTUNREACH`, `EHOSTDOWN`, `ENETDOWN`, `ENETRESET`, `EPROTO`, `EIO`, `ENODEV`.
 *
 * The reason of a signal is thrown as it is.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";

type DenoErrorClass = new (message: string, options?: ErrorOptions) => Error;

const CLASSES: Partial<Record<string, DenoErrorClass>> = {
  EACCES: Deno.errors.PermissionDenied,
  EPERM: Deno.errors.PermissionDenied,
  EADDRINUSE: Deno.errors.AddrInUse,
  EADDRNOTAVAIL: Deno.errors.AddrNotAvailable,
  EBADF: Deno.errors.BadResource,
  EBUSY: Deno.errors.Busy,
  ECANCELED: Deno.errors.Interrupted,
  ECONNABORTED: Deno.errors.ConnectionAborted,
  ECONNREFUSED: Deno.errors.ConnectionRefused,
  ECONNRESET: Deno.errors.ConnectionReset,
  EEXIST: Deno.errors.AlreadyExists,
  ENETUNREACH: Deno.errors.NetworkUnreachable,
  ENOENT: Deno.errors.NotFound,
  ENOTDIR: Deno.errors.NotADirectory,
  ENOTCONN: Deno.errors.NotConnected,
  ENOTSUP: Deno.errors.NotSupported,
  EPIPE: Deno.errors.BrokenPipe,
  ETIMEDOUT: Deno.errors.TimedOut,
};

/**
 * The error of Deno that matches one of PDPIX, which is its `cause`; its `code` is the same. What has no
 * match, and what is no error of PDPIX, is given back as it is.
 */
export function toDenoError(error: unknown): unknown {
  if (!(error instanceof DemikernelError)) return error;
  const Class = CLASSES[error.code];
  if (Class === undefined) return error;
  return Object.assign(new Class(error.message, { cause: error }), { code: error.code });
}

/** Calls a function; what it throws is an error of Deno. */
export function withDenoErrors<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toDenoError(error);
  }
}
