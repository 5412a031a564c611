/**
 * Proportional Rate Reduction (RFC 6937, and RFC 9937 in its place): how much is sent while a loss is repaired, so that the window has shrunk to ssthresh
 * when that is over, and acknowledgments go on to drive what is sent.
 *
 * @module
 */

import type { Connection } from "./connection.ts";

/** A recovery begins (section 3, "at the beginning"). */
export function beginReduction(connection: Connection): void {
  connection.recoverFlight = Math.max((connection.sndMax - connection.sndUna) | 0, 1);
  connection.prrDelivered = 0;
  connection.prrOut = 0;
}

/**
 * So many bytes were delivered: sets the window for what may be sent now ("on every ACK"). `advanced` is whether SND.UNA
 * moved: then as much may be sent as slow start would (SSRB); else no more than arrived (CRB).
 */
export function reduceProportionally(
  connection: Connection,
  delivered: number,
  advanced: boolean,
): void {
  const { pipe, ssthresh, recoverFlight, prrOut, mss } = connection;
  const total = connection.prrDelivered + delivered;
  connection.prrDelivered = total;
  let count: number;
  if (pipe > ssthresh) {
    count = Math.ceil(total * ssthresh / recoverFlight) - prrOut;
  } else {
    // The conservative bound, and that of slow start where SND.UNA moved (RFC 9937, section 6.2).
    const bound = Math.max(total - prrOut, delivered) + (advanced ? mss : 0);
    count = Math.min(ssthresh - pipe, bound);
  }
  // The first retransmission goes out at once.
  connection.cwnd = Math.max(pipe + Math.max(count | 0, prrOut === 0 ? mss : 0), mss);
}
