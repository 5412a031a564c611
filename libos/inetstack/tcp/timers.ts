/**
 * The timers of a connection. Each is a time in the control block; the one entry of the connection in the wheel of its host
 * is for the first of them or earlier, so that to put one off, as nearly every segment does, costs a store.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { Connection } from "./connection.ts";
import { LOSS, TIMER } from "./connection.ts";
import { Errno } from "../../error.ts";
import { emit, emitAck, emitReset } from "./emit.ts";
import { output, probeWindow } from "./output.ts";
import { currentRto, stopTiming } from "./rtt.ts";
import { suspectPath } from "./path_mtu.ts";
import { onTimeout } from "./recovery.ts";
import { onReorderingTimeout, onSelectiveTimeout } from "./sack_recovery.ts";
import { STATE } from "./state.ts";
import { lossTimeout, probeTail } from "./tail_loss_probe.ts";
import type { Tcp } from "./tcp.ts";
import { isTooLong, noteStall, untilTooLong } from "./user_timeout.ts";
import { FLAG } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { DELAYED_ACK, END, KEEPALIVE, RETRANSMIT } = TIMER;

/** Sets a timer of a connection, in milliseconds from now. */
export function arm(tcp: Tcp, connection: Connection, which: number, delay: number): void {
  const at = (tcp.host.time.ms + delay) | 0;
  connection.armed |= which;
  if (which === RETRANSMIT) connection.retransmitAt = at;
  else if (which === DELAYED_ACK) connection.ackAt = at;
  else if (which === KEEPALIVE) connection.keepaliveAt = at;
  else connection.endAt = at;
  if (connection.timerSlot >= 0 && ((at - connection.timerAt) | 0) >= 0) return;
  tcp.wheel.set(connection, at);
}

/** Unsets a timer. The entry stays, and does nothing. */
export function disarm(connection: Connection, which: number): void {
  connection.armed &= ~which;
}

/** Unsets all timers, and the entry too. */
export function disarmAll(tcp: Tcp, connection: Connection): void {
  connection.armed = 0;
  tcp.wheel.unset(connection);
}

/** Sets the retransmission timer anew (RFC 6298, rules 5.1 and 5.3), for a probe of the tail if one comes before. */
export function armRetransmission(tcp: Tcp, connection: Connection): void {
  connection.probing = false;
  arm(tcp, connection, RETRANSMIT, lossTimeout(connection, tcp.host.time.ms));
}

/** The entry fired: does what is due, and sets it for what is next. */
export function expire(tcp: Tcp, connection: Connection): void {
  const { ms } = tcp.host.time;
  if (isDue(connection, DELAYED_ACK, connection.ackAt, ms)) {
    connection.armed &= ~DELAYED_ACK;
    emitAck(tcp, connection);
  }
  if (isDue(connection, RETRANSMIT, connection.retransmitAt, ms)) {
    connection.armed &= ~RETRANSMIT;
    if (connection.probing) probe(tcp, connection);
    else if (connection.lossTimer === LOSS.REORDERING) onReorderingTimeout(tcp, connection);
    else if (connection.lossTimer === LOSS.TAIL) {
      probeTail(tcp, connection);
      armRetransmission(tcp, connection);
    } else retransmit(tcp, connection);
  }
  if (isDue(connection, KEEPALIVE, connection.keepaliveAt, ms)) askPeer(tcp, connection);
  if (isDue(connection, END, connection.endAt, ms)) tcp.remove(connection);
  rearm(tcp, connection);
  tcp.tell(connection);
}

function isDue({ armed }: Connection, which: number, at: number, now: number): boolean {
  return (armed & which) !== 0 && ((at - now) | 0) <= 0;
}

/** Sets the entry for the first of the timers that are set. */
function rearm(tcp: Tcp, connection: Connection): void {
  const { armed } = connection;
  if (armed === 0) return;
  const { time } = tcp.host;
  let first = 0x7fffffff;
  if ((armed & RETRANSMIT) !== 0) first = (connection.retransmitAt - time.ms) | 0;
  if ((armed & DELAYED_ACK) !== 0) first = Math.min(first, (connection.ackAt - time.ms) | 0);
  if ((armed & KEEPALIVE) !== 0) {
    first = Math.min(first, (connection.keepaliveAt - time.ms) | 0);
  }
  if ((armed & END) !== 0) first = Math.min(first, (connection.endAt - time.ms) | 0);
  const at = (time.ms + first) | 0;
  if (connection.timerSlot < 0 || ((at - connection.timerAt) | 0) < 0) {
    tcp.wheel.set(connection, at);
  }
}

/** What was sent last is sent again, since nobody acknowledged it (RFC 6298, rules 5.4 to 5.6). */
function retransmit(tcp: Tcp, connection: Connection): void {
  const { state } = connection;
  const most = state === STATE.SYN_SENT
    ? BOUNDS.SYN_RETRANSMISSIONS
    : state === STATE.SYN_RECEIVED
    ? BOUNDS.SYN_ACK_RETRANSMISSIONS
    : BOUNDS.RETRANSMISSIONS;
  const { ms } = tcp.host.time;
  noteStall(connection, ms, currentRto(connection));
  if (connection.unanswered >= most || isTooLong(connection, ms)) {
    tcp.fail(connection, connection.softError || Errno.ETIMEDOUT);
    return;
  }
  if (state >= STATE.ESTABLISHED) suspectPath(tcp, connection, connection.unanswered + 1);
  const selective = state >= STATE.ESTABLISHED && connection.sackPermitted;
  if (selective) onSelectiveTimeout(tcp, connection);
  else if (state >= STATE.ESTABLISHED) onTimeout(connection);
  connection.retransmits++;
  connection.unanswered++;
  if (connection.unanswered === BOUNDS.DOUBTFUL_RETRANSMISSIONS) connection.neighbour.doubt();
  stopTiming(connection);
  if (state < STATE.ESTABLISHED) {
    connection.sndNxt = connection.iss;
    connection.retransmitted++;
    tcp.host.counters.tcpRetransmitted++;
  } else if (!selective) {
    connection.sndNxt = connection.sndUna;
  }
  output(tcp, connection);
  if ((connection.armed & RETRANSMIT) === 0) armRetransmission(tcp, connection);
}

function probe(tcp: Tcp, connection: Connection): void {
  // A peer that answers may keep its window closed for ever (RFC 9293, section 3.8.6.1); one that does not is gone.
  const { ms } = tcp.host.time;
  noteStall(connection, ms, currentRto(connection));
  if (connection.unanswered >= BOUNDS.RETRANSMISSIONS || isTooLong(connection, ms)) {
    tcp.fail(connection, connection.softError || Errno.ETIMEDOUT);
    return;
  }
  connection.retransmits++;
  connection.unanswered++;
  probeWindow(tcp, connection);
  connection.probing = true;
  arm(tcp, connection, RETRANSMIT, untilTooLong(connection, currentRto(connection), ms));
}

/** Asks a silent peer whether it is there (RFC 9293, section 3.8.4). */
function askPeer(tcp: Tcp, connection: Connection): void {
  const silence = (tcp.host.time.ms - connection.heardAt) | 0;
  const { keepaliveIdle } = connection;
  if (silence < keepaliveIdle || connection.inFlight > 0) {
    connection.keepaliveProbes = 0;
    arm(
      tcp,
      connection,
      KEEPALIVE,
      silence < keepaliveIdle ? keepaliveIdle - silence : keepaliveIdle,
    );
    return;
  }
  if (connection.keepaliveProbes >= connection.keepaliveCount) {
    emitReset(tcp, connection);
    tcp.fail(connection, connection.softError || Errno.ETIMEDOUT);
    return;
  }
  connection.keepaliveProbes++;
  // What was acknowledged long ago makes the peer say so again.
  emit(tcp, connection, (connection.sndUna - 1) | 0, 0, FLAG.ACK);
  arm(tcp, connection, KEEPALIVE, connection.keepaliveInterval);
}
