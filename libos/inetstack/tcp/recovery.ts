/**
 * Recovery from losses where the peer does not acknowledge selectively (else see `sack_recovery.ts`): fast retransmit and fast recovery (RFC 5681, section 3.2), as
 * NewReno has them (RFC 6582).
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { reduceThreshold } from "./congestion/congestion.ts";
import { output, retransmitFirst } from "./output.ts";
import { before } from "./sequence.ts";
import type { Tcp } from "./tcp.ts";
import { armRetransmission } from "./timers.ts";

/** So many duplicates tell that a segment is lost, and not just late. */
const THRESHOLD = 3;

/** An acknowledgment told nothing new although something is under way (RFC 5681, section 2). */
export function onDuplicate(tcp: Tcp, connection: Connection): void {
  const { recover, sndUna, sndMax } = connection;
  connection.duplicateAcks++;
  if (connection.recovering) {
    // Each one tells that a segment has left the network (step 4).
    connection.cwnd += connection.mss;
  } else if (
    connection.duplicateAcks === THRESHOLD && (before(recover, sndUna) || before(sndMax, recover))
  ) {
    // The last loss is repaired (RFC 6582, section 3.2, step 1); one of 2 GiB ago seems to be beyond all that was sent.
    connection.recovering = true;
    connection.recover = sndMax;
    reduceThreshold(connection, false);
    retransmitFirst(tcp, connection);
    connection.cwnd = connection.ssthresh + THRESHOLD * connection.mss;
  }
  output(tcp, connection);
}

/** So many new bytes were acknowledged while a loss is being repaired (RFC 6582, section 3.2, step 3). */
export function onPartial(tcp: Tcp, connection: Connection, bytes: number): void {
  const { mss, sndUna } = connection;
  connection.duplicateAcks = 0;
  if (!before(sndUna, connection.recover)) {
    // A full acknowledgment: the window is what it was meant to shrink to.
    const flight = (connection.sndMax - sndUna) | 0;
    connection.recovering = false;
    connection.cwnd = Math.min(connection.ssthresh, Math.max(flight, mss) + mss);
    return;
  }
  // A partial one: the next segment is lost, too.
  connection.cwnd = Math.max(mss, connection.cwnd - bytes + (bytes >= mss ? mss : 0));
  retransmitFirst(tcp, connection);
  armRetransmission(tcp, connection);
}

/** Nothing was acknowledged for too long: begins again with one segment (RFC 5681, section 3.1). */
export function onTimeout(connection: Connection): void {
  // Of what was sent again already, the loss was accounted for.
  if (connection.retransmits === 0) {
    reduceThreshold(connection, true);
  }
  connection.cwnd = connection.mss;
  connection.recovering = false;
  connection.duplicateAcks = 0;
  connection.recover = connection.sndMax;
}
