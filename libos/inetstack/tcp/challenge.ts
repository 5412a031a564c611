/**
 * Challenge ACKs (RFC 5961, section 7): whoever sends what cannot be right is told what would be; a peer that really restarted resets the
 * connection then, and a stranger learns nothing. Each connection has a limit of its own: one for all together would tell
 * whoever counts what is left of it whether he guessed another connection right (Cao and others, 2016).
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { Connection } from "./connection.ts";
import { emitAck } from "./emit.ts";
import type { Tcp } from "./tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { CHALLENGE_ACKS: MOST, CHALLENGE_PERIOD: PERIOD } = BOUNDS;

/** Sends one, if there was not too much of that lately. */
export function challenge(tcp: Tcp, connection: Connection): void {
  const { ms } = tcp.host.time;
  if (connection.challenges === 0 || ((ms - connection.challengedAt) | 0) >= PERIOD) {
    connection.challengedAt = ms;
    connection.challenges = 0;
  }
  if (connection.challenges++ < MOST) emitAck(tcp, connection);
}
