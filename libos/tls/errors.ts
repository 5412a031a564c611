/**
 * What TLS fails with, as errors of Deno.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import { toDenoError } from "../net/errors.ts";

/** What a connection fails with that was closed from this side. */
export function interrupted(operation: string): Error {
  return toDenoError(new DemikernelError("ECANCELED", operation)) as Error;
}

/** What pushing fails with after {@linkcode TlsConnection.closeWrite}. */
export function brokenPipe(): Error {
  return toDenoError(new DemikernelError("EPIPE", "push")) as Error;
}

/** What a handshake fails with when the other side closes the connection. */
export function unexpectedEnd(): Error {
  return new Deno.errors.UnexpectedEof("the other side ended the connection in its TLS handshake");
}

/**
 * The error for one of `node:tls`. What the connection beneath failed with is given as it was. What TLS itself finds
 * wrong is `Deno.errors.InvalidData`, as in Deno's own TLS, with Node's `code`.
 */
export function toTlsError(error: unknown): unknown {
  const { code, message, cause } = error as Error & { code?: string };
  if (cause !== undefined) return cause;
  if (code === "ECONNRESET") {
    return new Deno.errors.UnexpectedEof(
      "the other side closed the connection in its TLS handshake",
    );
  }
  const text = code === undefined ? `TLS: ${message}` : `TLS: ${message} (${code})`;
  return Object.assign(new Deno.errors.InvalidData(text, { cause: error }), { code });
}
