/**
 * Challenge ACKs (RFC 5961): whoever sends what cannot be right is told what would be, so often a second at most; a peer that
 * really restarted resets the connection then, and a stranger learns nothing.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { emitAck } from "./emit.ts";
import type { Tcp } from "./tcp.ts";

/** Sends one, if there was not too much of that lately. */
export function challenge(tcp: Tcp, connection: Connection): void {
  if (tcp.challenges.spend()) emitAck(tcp, connection);
}
