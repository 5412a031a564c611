/**
 * What of a handler's end is printed, where nobody said what to do with it.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import type { Connection } from "./connection.ts";
import { hasFailedWith } from "./socket.ts";

/** How the network tells that a peer went away. */
const DEPARTURES: readonly string[] = ["ECONNRESET", "ECONNABORTED", "ENOTCONN"];
/** What comes from the network and not from a mistake in the program: where it was thrown tells nothing. */
const NETWORK: readonly string[] = [
  ...DEPARTURES,
  "ECONNREFUSED",
  "ETIMEDOUT",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETRESET",
  "ENETUNREACH",
];

/**
 * Prints what a handler threw, unless its own peer ended the connection: by going away, or by saying nothing for as long
 * as a pop was to wait. The departure of another peer, to which the handler talks as well, is news.
 */
export function report(error: unknown, connection: Connection): void {
  if (!hasFailedWith(connection, error) || !isDeparture(causeOf(error))) print(error);
}

/** Prints an error: with its stack, or in one line if it comes from the network. */
export function print(error: unknown): void {
  const cause = causeOf(error);
  const plain = (cause !== null && NETWORK.includes(cause.code)) || error instanceof DOMException;
  console.error(plain ? String(error) : error);
}

function isDeparture(cause: DemikernelError | null): boolean {
  if (cause === null) return false;
  return DEPARTURES.includes(cause.code) ||
    (cause.code === "ETIMEDOUT" && cause.operation === "pop");
}

/** The error of PDPIX behind one of Deno, or the error itself; null if it is none of the coroutine layer's. */
function causeOf(error: unknown): DemikernelError | null {
  if (error instanceof DemikernelError) return error;
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return cause instanceof DemikernelError && cause.code === code ? cause : null;
}
