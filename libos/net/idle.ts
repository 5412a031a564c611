/**
 * Who says nothing: connections whose handlers wait in vain.
 *
 * A timer for each connection, armed anew with each message, would cost more than a small message does. So one timer
 * for all looks now and then, at what each queue counts anyway.
 *
 * @module
 */

import { isClosed } from "./lease.ts";
import type { Connection } from "./connection.ts";
import type { LibOS } from "../pdpix.ts";

/** How often a connection is looked at in the time that it may be idle. */
const LOOKS = 4;
/** The longest time that a timer of Deno's takes, in milliseconds. */
export const LONGEST_TIMER = 0x7fffffff;

/** What was seen of a connection, and how often since. Looks are counted, and not time: a thread that was busy saw nothing. */
interface Seen {
  readonly operations: number;
  readonly pushBytes: number;
  again: number;
}

/**
 * Calls `close` for each of some connections on which an operation has been pending for `timeout` milliseconds, or at
 * most a quarter more, while none was asked for and no byte of a push was taken. Gives the function that ends this.
 */
export function watchIdle(
  libos: LibOS,
  connections: { keys(): Iterable<Connection> },
  timeout: number,
  close: (connection: Connection) => void,
): () => void {
  const all = new WeakMap<Connection, Seen>();
  const look = () => {
    if (isClosed(libos)) return;
    for (const connection of connections.keys()) {
      if (!connection.open) continue;
      const { operations, pending, pushBytes } = libos.statistics(connection.qd);
      const seen = all.get(connection);
      const same = seen?.operations === operations && seen.pushBytes === pushBytes;
      if (!same || pending === 0) all.set(connection, { operations, pushBytes, again: 0 });
      else if (++seen.again === LOOKS) close(connection);
    }
  };
  const timer = setInterval(look, Math.min(timeout / LOOKS, LONGEST_TIMER));
  Deno.unrefTimer(timer);
  return () => clearInterval(timer);
}
