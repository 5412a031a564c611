/**
 * F-RTO (RFC 5682, section 3): whether a retransmission timeout was spurious. After it one segment is sent again, then new
 * ones; if what was sent before the timeout, and only once, arrives, nothing was lost: the peer was late.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { FRTO } from "./connection.ts";
import { ahead, before } from "./sequence.ts";
import type { Scoreboard } from "./scoreboard.ts";

/**
 * An acknowledgment came after a timeout, which acknowledged so many new bytes in order: if the timeout was spurious,
 * everything is as before.
 */
export function judgeTimeout(connection: Connection, board: Scoreboard, acked: number): void {
  if (connection.frto === FRTO.OFF) return;
  if (board.original) {
    // Step 3 b, and the response of Eifel (RFC 4015, section 3.2).
    connection.frto = FRTO.OFF;
    board.forgiveAll();
    undo(connection);
    return;
  }
  const { sndUna, recover, sndMax } = connection;
  const isNew = acked > 0 && before(sndUna, recover);
  const more = ahead(connection.sendBuffer.end, sndMax) > 0 &&
    ahead(sndMax, sndUna) < connection.sndWnd;
  // Step 2 b: new segments, if there are any; else, and after a duplicate (step 3 a), what is taken for lost goes again.
  connection.frto = connection.frto === FRTO.REPEATED && isNew && more ? FRTO.CONTINUED : FRTO.OFF;
}

/** What was taken for a loss was none: the window is what it was. */
export function undo(connection: Connection): void {
  connection.cwnd = Math.max(connection.cwnd, connection.priorCwnd);
  connection.ssthresh = Math.max(connection.ssthresh, connection.priorSsthresh);
  connection.recovering = connection.afterTimeout = false;
  connection.retransmits = connection.unanswered = 0;
}
