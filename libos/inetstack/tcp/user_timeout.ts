/**
 * The user timeout (RFC 5482; RFC 9293, section 3.8.3): how long what was pushed may wait to be acknowledged, until the
 * connection is given up. It holds for a peer that keeps its window closed, too (RFC 6429): one that answers each probe could
 * hold the memory of what waits for ever.
 *
 * It is not told to the peer: the option of RFC 5482 may be left out (section 3).
 *
 * @module
 */

import type { Connection } from "./connection.ts";

/** The timer expired after `waited` milliseconds: since when does nothing go on? */
export function noteStall(connection: Connection, now: number, waited: number): void {
  if (connection.stalled) return;
  connection.stalled = true;
  connection.stalledAt = (now - waited) | 0;
}

/** Whether it has lasted too long. */
export function isTooLong({ stalled, stalledAt, userTimeout }: Connection, now: number): boolean {
  return userTimeout > 0 && stalled && ((now - stalledAt) | 0) >= userTimeout;
}

/** A delay of a timer, cut short to when it has lasted too long. */
export function untilTooLong(connection: Connection, delay: number, now: number): number {
  const { userTimeout } = connection;
  if (userTimeout === 0 || !connection.stalled) return delay;
  return Math.max(1, Math.min(delay, (connection.stalledAt + userTimeout - now) | 0));
}
