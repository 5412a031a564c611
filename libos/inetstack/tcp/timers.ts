/**
 * The timers of a connection. Each is a time in the control block; the one entry of the connection among the timers of the
 * stack is for the first of them or earlier, so that to put one off, as nearly every segment does, costs a store.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { Connection } from "./connection.ts";
import { TIMER } from "./connection.ts";
import { Errno } from "../../error.ts";
import { emit, emitAck, emitReset } from "./emit.ts";
import { output, probeWindow } from "./output.ts";
import { currentRto, stopTiming } from "./rtt.ts";
import { onTimeout } from "./recovery.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { Timer } from "../../runtime/scheduler/timers.ts";
import { FLAG } from "../wire/tcp.ts";

/** Sets a timer of a connection, in milliseconds from now. */
export function arm(tcp: Tcp, connection: Connection, which: number, delay: number): void {
  const at = (tcp.host.time.ms + delay) | 0;
  connection.armed |= which;
  if (which === TIMER.RETRANSMIT) connection.retransmitAt = at;
  else if (which === TIMER.DELAYED_ACK) connection.ackAt = at;
  else if (which === TIMER.KEEPALIVE) connection.keepaliveAt = at;
  else connection.endAt = at;
  if (connection.timerSet && ((at - connection.timerAt) | 0) >= 0) return;
  setEntry(tcp, connection, at);
}

/** Sets the entry among the timers of the stack. */
function setEntry(tcp: Tcp, connection: Connection, at: number): void {
  const { time, timers } = tcp.host;
  const timer = connection.timer ??= new Timer(() => expire(tcp, connection));
  connection.timerSet = true;
  connection.timerAt = at;
  timers.arm(timer, time.at(at));
}

/** Unsets a timer. The entry among the timers of the stack stays, and does nothing. */
export function disarm(connection: Connection, which: number): void {
  connection.armed &= ~which;
}

/** Unsets all timers, and the entry too. */
export function disarmAll(tcp: Tcp, connection: Connection): void {
  connection.armed = 0;
  connection.timerSet = false;
  if (connection.timer !== null) tcp.host.timers.disarm(connection.timer);
}

/** Sets the retransmission timer anew (RFC 6298, rules 5.1 and 5.3). */
export function armRetransmission(tcp: Tcp, connection: Connection): void {
  connection.probing = false;
  arm(tcp, connection, TIMER.RETRANSMIT, currentRto(connection));
}

/** The entry fired: does what is due, and sets it for what is next. */
function expire(tcp: Tcp, connection: Connection): void {
  const { ms } = tcp.host.time;
  connection.timerSet = false;
  if (isDue(connection, TIMER.DELAYED_ACK, connection.ackAt, ms)) {
    connection.armed &= ~TIMER.DELAYED_ACK;
    emitAck(tcp, connection);
  }
  if (isDue(connection, TIMER.RETRANSMIT, connection.retransmitAt, ms)) {
    connection.armed &= ~TIMER.RETRANSMIT;
    if (connection.probing) probe(tcp, connection);
    else retransmit(tcp, connection);
  }
  if (isDue(connection, TIMER.KEEPALIVE, connection.keepaliveAt, ms)) askPeer(tcp, connection);
  if (isDue(connection, TIMER.END, connection.endAt, ms)) tcp.remove(connection);
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
  if ((armed & TIMER.RETRANSMIT) !== 0) first = (connection.retransmitAt - time.ms) | 0;
  if ((armed & TIMER.DELAYED_ACK) !== 0) first = Math.min(first, (connection.ackAt - time.ms) | 0);
  if ((armed & TIMER.KEEPALIVE) !== 0) {
    first = Math.min(first, (connection.keepaliveAt - time.ms) | 0);
  }
  if ((armed & TIMER.END) !== 0) first = Math.min(first, (connection.endAt - time.ms) | 0);
  const at = (time.ms + first) | 0;
  if (!connection.timerSet || ((at - connection.timerAt) | 0) < 0) setEntry(tcp, connection, at);
}

/** What was sent last is sent again, since nobody acknowledged it (RFC 6298, rules 5.4 to 5.6). */
function retransmit(tcp: Tcp, connection: Connection): void {
  const { state } = connection;
  const most = state === STATE.SYN_SENT
    ? BOUNDS.SYN_RETRANSMISSIONS
    : state === STATE.SYN_RECEIVED
    ? BOUNDS.SYN_ACK_RETRANSMISSIONS
    : BOUNDS.RETRANSMISSIONS;
  if (connection.retransmits >= most) {
    tcp.fail(connection, connection.softError || Errno.ETIMEDOUT);
    return;
  }
  if (state >= STATE.ESTABLISHED) onTimeout(connection);
  connection.retransmits++;
  if (connection.retransmits === BOUNDS.DOUBTFUL_RETRANSMISSIONS) connection.neighbour.doubt();
  stopTiming(connection);
  if (state < STATE.ESTABLISHED) {
    connection.sndNxt = connection.iss;
    connection.retransmitted++;
    tcp.host.counters.tcpRetransmitted++;
  } else {
    connection.sndNxt = connection.sndUna;
  }
  output(tcp, connection);
  if ((connection.armed & TIMER.RETRANSMIT) === 0) armRetransmission(tcp, connection);
}

function probe(tcp: Tcp, connection: Connection): void {
  // A peer that answers may keep its window closed for ever (RFC 9293, section 3.8.6.1); one that does not is gone.
  if (connection.retransmits >= BOUNDS.RETRANSMISSIONS) {
    tcp.fail(connection, connection.softError || Errno.ETIMEDOUT);
    return;
  }
  connection.retransmits++;
  probeWindow(tcp, connection);
  connection.probing = true;
  arm(tcp, connection, TIMER.RETRANSMIT, currentRto(connection));
}

/** Asks a silent peer whether it is there (RFC 9293, section 3.8.4). */
function askPeer(tcp: Tcp, connection: Connection): void {
  const silence = (tcp.host.time.ms - connection.heardAt) | 0;
  if (silence < connection.keepaliveIdle || connection.inFlight > 0) {
    connection.keepaliveProbes = 0;
    arm(tcp, connection, TIMER.KEEPALIVE, Math.max(1, connection.keepaliveIdle - silence));
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
  arm(tcp, connection, TIMER.KEEPALIVE, connection.keepaliveInterval);
}
