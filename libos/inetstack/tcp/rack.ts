/**
 * RACK (RFC 8985, section 6): a segment is lost if one that was sent later has arrived, and a while has passed in which it
 * may have been overtaken. It goes by the time of sending and not by the order of sequence numbers, so that it finds lost
 * retransmissions too, and learns how much the way reorders.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { ahead, before, isUnderWay } from "./sequence.ts";
import { RECORD, type Scoreboard } from "./scoreboard.ts";

/** So many segments that arrived behind a hole tell of a loss where nothing was ever reordered (DupThresh). */
const THRESHOLD = 3;
/** Recoveries without a duplicate, after which the reordering window is what it was at first. */
const PERSIST = 16;

/** A record has arrived just now, says an acknowledgment (section 6.2, steps 1 to 3). */
export function noteDelivered(
  connection: Connection,
  board: Scoreboard,
  index: number,
  now: number,
): void {
  const end = board.endOf(index);
  const sent = board.timeOf(index);
  const rtt = Math.max(1, (now - sent) | 0);
  if ((board.stateOf(index) & RECORD.RETRANSMITTED) === 0) {
    if (!before(end, connection.fack)) connection.fack = end;
    else connection.reordering = true;
    if (connection.minRtt === 0 || rtt < connection.minRtt) connection.minRtt = rtt;
    if (!before(connection.recover, end)) board.original = true;
  } else {
    // It may be the first copy that arrived. A timestamp does not tell: what is behind a hole echoes an older one. An eighth
    // less than the least is no other way, but a segment alone, which waits for no others.
    if (rtt < connection.minRtt - (connection.minRtt >> 3)) return;
    if (before(connection.fack, end)) connection.fack = end;
  }
  if (connection.rackRtt === 0 || isAfter(sent, end, connection.rackTime, connection.rackEnd)) {
    connection.rackTime = sent;
    connection.rackEnd = end;
  }
  connection.rackRtt = rtt;
}

/**
 * All that is sent from now on is sent after whatever has arrived: that is not compared with it, since times of sending are
 * microseconds in 32 bits, which tell nothing of what is half an hour ago.
 */
export function forgetDelivered(connection: Connection): void {
  connection.rackRtt = 0;
}

/** Whether a segment was sent after another one (RACK_sent_after). */
function isAfter(sent: number, end: number, otherSent: number, otherEnd: number): boolean {
  return sent === otherSent ? before(otherEnd, end) : before(otherSent, sent);
}

/** Something came twice, says the peer: perhaps it was not lost (RFC 2883; section 6.2, step 4). */
export function noteDuplicate(connection: Connection): void {
  const { duplicateRound, sndUna, sndMax } = connection;
  if (isUnderWay(duplicateRound, sndUna, sndMax)) return;
  connection.duplicateRound = sndMax;
  connection.reorderingMultiple++;
  connection.reorderingPersist = PERSIST;
}

/** A recovery is over. */
export function noteRecovered(connection: Connection): void {
  if (connection.reorderingMultiple === 1 || --connection.reorderingPersist > 0) return;
  connection.reorderingMultiple = 1;
}

/** How long a segment may be late, in microseconds (section 6.2, step 4). */
function reorderingWindow(connection: Connection, board: Scoreboard): number {
  const { reordering, recovering, minRtt, srtt, mss } = connection;
  if (!reordering) {
    const many = connection.duplicateAcks >= THRESHOLD || board.sackedBytes >= THRESHOLD * mss;
    if (recovering || many) return 0;
  }
  return Math.min(connection.reorderingMultiple * (minRtt >> 2), srtt);
}

/**
 * Marks what is lost by now (section 6.2, step 5); gives in how many microseconds more of it may be, or 0 if that is not to
 * be waited for.
 */
export function detectLoss(connection: Connection, board: Scoreboard, now: number): number {
  const { rackTime, rackEnd, rackRtt } = connection;
  if (rackRtt === 0) return 0;
  const patience = rackRtt + reorderingWindow(connection, board);
  let wait = 0;
  for (let i = board.first; i < board.last; i++) {
    const state = board.stateOf(i);
    if ((state & (RECORD.SACKED | RECORD.LOST)) !== 0) continue;
    const sent = board.timeOf(i);
    if (!isAfter(rackTime, rackEnd, sent, board.endOf(i))) {
      // What was sent once is in the order of its time.
      if ((state & RECORD.RETRANSMITTED) === 0) break;
      continue;
    }
    const left = ahead((sent + patience) | 0, now);
    if (left <= 0) board.markLost(i);
    else if (left > wait) wait = left;
  }
  return wait;
}
