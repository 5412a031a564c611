/**
 * Text that comes, and the FIN after it (RFC 9293, section 3.10.7.4, "seventh" and "eighth").
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { EVENT, TIMER } from "./connection.ts";
import { emitAck, toldMss } from "./emit.ts";
import { ahead, before, later } from "./sequence.ts";
import type { Segment } from "./segment.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { arm, disarmAll } from "./timers.ts";
import { FLAG } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { DELAYED_ACK: TIMER_DELAYED_ACK } = TIMER;
const { READABLE } = EVENT;

/** How long an acknowledgment waits for something to ride on; RFC 9293, MUST-58, says half a second at most. */
const DELAYED_ACK = 40;
/** Twice the maximum segment lifetime, which today's stacks take for half a minute. */
export const TIME_WAIT_LENGTH = 60_000;
/** How long to wait for the FIN of a peer when nobody is left who would take what it sends. */
export const FIN_WAIT_LENGTH = 60_000;

/** Takes what is new of a segment that is acceptable. */
export function takeText(tcp: Tcp, connection: Connection, segment: Segment): void {
  const { rcvNxt, rcvAdv, receiveBuffer } = connection;
  let { seq, payload, length } = segment;
  let fin = (segment.flags & FLAG.FIN) !== 0;
  if (length === 0 && !fin) return;
  const known = ahead(rcvNxt, seq);
  if (known > 0) {
    if (length > 0) noteTwice(connection, seq, Math.min(known, length));
    // What came already, and perhaps a bit more.
    seq = rcvNxt;
    payload += known;
    length -= known;
    connection.ackNow = true;
    if (length < 0 || (length === 0 && !fin)) return;
  }
  const excess = ahead((seq + length) | 0, rcvAdv);
  if (excess > 0) {
    length -= excess;
    fin = false;
    connection.ackNow = true;
  }
  if (fin && !connection.finSeen) {
    connection.finSeen = true;
    connection.finSeq = (seq + length) | 0;
  }
  // Nothing comes after the FIN.
  if (connection.finSeen) length = Math.min(length, ahead(connection.finSeq, seq));
  if (length > 0) {
    if (receiveBuffer.outOfOrder > 0) noteOverlap(connection, seq, (seq + length) | 0);
    if (seq !== rcvNxt) {
      receiveBuffer.keep(seq, segment.memory, payload, length);
      connection.lastSack = seq;
      // At once, since the peer counts them (RFC 5681, section 4.2).
      emitAck(tcp, connection);
      return;
    }
    const filled = receiveBuffer.outOfOrder > 0;
    connection.rcvNxt = receiveBuffer.append(seq, segment.memory, payload, length);
    delayAck(tcp, connection, length, filled);
    connection.events |= READABLE;
    if (connection.deaf) receiveBuffer.clear();
  } else if (seq !== rcvNxt) {
    connection.ackNow = true;
  }
  if (connection.finSeen && connection.rcvNxt === connection.finSeq && !connection.finReceived) {
    takeFin(tcp, connection);
  }
}

/** Of what comes now, the first part that is there already, out of order, came twice (RFC 2883, section 4.1). */
function noteOverlap(connection: Connection, seq: number, end: number): void {
  let one = connection.receiveBuffer.firstOutOfOrder;
  while (one !== null && !before(seq, one.end)) one = one.next;
  if (one === null || !before(one.seq, end)) return;
  const from = later(seq, one.seq);
  while (one.next !== null && one.next.seq === one.end) one = one.next;
  const to = before(one.end, end) ? one.end : end;
  noteTwice(connection, from, ahead(to, from));
}

/** A range came twice, which the peer is told with the next acknowledgment (RFC 2883, section 4). */
export function noteTwice(connection: Connection, seq: number, length: number): void {
  if (!connection.sackPermitted) return;
  connection.duplicateFrom = seq;
  connection.duplicateTo = (seq + length) | 0;
}

/**
 * Every second full segment is acknowledged at once, what fills a gap too, and the rest soon (RFC 5681, section 4.2). The
 * first ones of a connection are so, too: its window grows with each acknowledgment.
 */
export function delayAck(
  tcp: Tcp,
  connection: Connection,
  length: number,
  filled: boolean,
): void {
  let isDue = filled;
  if (length > connection.rcvMss) {
    // More than the peer was told is what a card joined: several segments.
    const { neighbour, version, maxSegmentSize } = connection;
    const most = toldMss(neighbour, version, maxSegmentSize);
    connection.rcvMss = Math.min(length, most);
    if (length > most) isDue = true;
  }
  connection.unacknowledged += length;
  if (connection.quickAcks > 0) {
    connection.quickAcks--;
    isDue = true;
  }
  if (isDue || connection.unacknowledged >= 2 * connection.rcvMss) {
    connection.ackNow = true;
    tcp.want(connection);
  } else if ((connection.armed & TIMER_DELAYED_ACK) === 0) {
    arm(tcp, connection, TIMER_DELAYED_ACK, DELAYED_ACK);
  }
}

function takeFin(tcp: Tcp, connection: Connection): void {
  connection.finReceived = true;
  connection.rcvNxt = (connection.rcvNxt + 1) | 0;
  // The FIN is beside the window, and it takes no room.
  if (before(connection.rcvAdv, connection.rcvNxt)) connection.rcvAdv = connection.rcvNxt;
  connection.ackNow = true;
  tcp.want(connection);
  connection.events |= READABLE;
  switch (connection.state) {
    case STATE.ESTABLISHED:
      connection.state = STATE.CLOSE_WAIT;
      return;
    case STATE.FIN_WAIT_1:
      // Its own FIN is not acknowledged, or the state would be another one by now.
      connection.state = STATE.CLOSING;
      return;
    case STATE.FIN_WAIT_2:
      enterTimeWait(tcp, connection);
  }
}

/** Both sides are through; what may come late is answered for a while. */
export function enterTimeWait(tcp: Tcp, connection: Connection): void {
  connection.state = STATE.TIME_WAIT;
  connection.sendBuffer.clear();
  disarmAll(tcp, connection);
  arm(tcp, connection, TIMER.END, TIME_WAIT_LENGTH);
  tcp.boundTimeWait(connection);
}
