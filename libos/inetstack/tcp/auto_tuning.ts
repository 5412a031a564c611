/**
 * Buffers that grow with what the way holds, where the user did not say how large they are: the receive buffer with what the
 * user takes in a round trip (dynamic right-sizing, as Fisk and Feng have it), the send buffer with the congestion window.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { Connection } from "./connection.ts";
import { ahead } from "./sequence.ts";
import type { Tcp } from "./tcp.ts";

const { AUTO_RECEIVE_BUFFER, AUTO_SEND_BUFFER } = BOUNDS;

/** A round trip is over in which the user took something: twice as much fits in the next one. */
export function tuneReceiveBuffer(tcp: Tcp, connection: Connection): void {
  const { rcvNxt, receiveLimit, receiveBuffer, rcvMss, rcvScale } = connection;
  const taken = (rcvNxt - receiveBuffer.available) | 0;
  const wanted = 2 * ahead(taken, connection.tunedSeq) + 16 * rcvMss;
  connection.tunedSeq = taken;
  connection.tunedAt = tcp.host.time.us;
  // What the scale cannot tell would be of no use; and when memory is short nobody gets more of it.
  const most = Math.min(AUTO_RECEIVE_BUFFER, 65_535 << rcvScale);
  if (wanted > receiveLimit && receiveLimit < most && !tcp.isShort) {
    connection.receiveLimit = Math.min(wanted, most);
  }
}

/** How many bytes are kept until they are acknowledged: what is under way, and as much that is next. */
export function sendLimitOf({ sendLimit, tunesSend, cwnd }: Connection): number {
  return tunesSend ? Math.max(sendLimit, Math.min(2 * cwnd, AUTO_SEND_BUFFER)) : sendLimit;
}
