/**
 * Sending (RFC 9293, section 3.8): what the windows of the peer and of the network allow, in segments that are worth it.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { TIMER } from "./connection.ts";
import { emit, emitAck, emitSyn } from "./emit.ts";
import { startTiming, stopTiming } from "./rtt.ts";
import { ahead, before, later } from "./sequence.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { arm, armRetransmission, disarm } from "./timers.ts";
import { FLAG } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { ACK, FIN, PSH } = FLAG;
const { ESTABLISHED, FIN_WAIT_2, SYN_RECEIVED, SYN_SENT, TIME_WAIT } = STATE;
const { RETRANSMIT } = TIMER;

/** Sends everything that may be sent now, and the acknowledgment that is due. */
export function output(tcp: Tcp, connection: Connection): void {
  const { state } = connection;
  if (state >= ESTABLISHED && state !== TIME_WAIT && state !== FIN_WAIT_2) {
    sendData(tcp, connection);
  } else if (state === SYN_SENT || state === SYN_RECEIVED) {
    sendSyn(tcp, connection);
  }
  if (connection.ackNow && state >= SYN_RECEIVED) emitAck(tcp, connection);
}

/** Sends the SYN, or SYN,ACK, if it is due: at first, and when its timer expired. */
function sendSyn(tcp: Tcp, connection: Connection): void {
  if (connection.sndNxt !== connection.iss || !emitSyn(tcp, connection)) return;
  connection.sndNxt = (connection.iss + 1) | 0;
  if (connection.sndMax === connection.iss) startTiming(connection, connection.iss, tcp.host.time);
  connection.sndMax = connection.sndNxt;
  armRetransmission(tcp, connection);
}

function sendData(tcp: Tcp, connection: Connection): void {
  connection.cwndLimited = false;
  while (sendNext(tcp, connection));
  if (connection.sndNxt === connection.sndUna) mayProbe(tcp, connection);
}

/**
 * Sends what is there to be sent if that is one small segment which nothing hinders, as most answers are; says whether it
 * was. It does what `sendNext` would, in less steps.
 */
export function sendAlone(tcp: Tcp, connection: Connection): boolean {
  const { sndNxt, sndUna, sendBuffer } = connection;
  const length = ahead(sendBuffer.end, sndNxt);
  const flight = ahead(sndNxt, sndUna);
  if (
    length > connection.mss || flight + length > connection.sndWnd ||
    flight + length > connection.cwnd || sndNxt !== connection.sndMax || connection.pending ||
    !(connection.nodelay || flight === 0)
  ) {
    return false;
  }
  connection.cwndLimited = false;
  return transmit(tcp, connection, sndNxt, length, true, false);
}

/** Sends one segment, if one may be sent; says whether. */
function sendNext(tcp: Tcp, connection: Connection): boolean {
  const { sndNxt, sndUna, mss, sendBuffer } = connection;
  const { end } = sendBuffer;
  const available = ahead(end, sndNxt);
  // The FIN was sent, and nothing has to be sent again.
  if (available < 0) return false;
  let length = Math.min(available, mss);
  const flight = ahead(sndNxt, sndUna);
  const usable = Math.min(connection.sndWnd, sendWindow(connection)) - flight;
  if (usable < length) {
    if (connection.sndWnd - flight > usable) connection.cwndLimited = true;
    length = Math.max(usable, 0);
  }
  const isLast = length === available;
  const fin = isLast && connection.finQueued;
  if (length === 0 && !fin) return false;
  if (!fin && length < mss && !isWorthSending(connection, length, isLast)) return false;
  return transmit(tcp, connection, sndNxt, length, isLast, fin);
}

/** The congestion window; the first duplicates let a new segment go each (limited transmit, RFC 3042). */
function sendWindow({ cwnd, duplicateAcks, recovering, mss }: Connection): number {
  return recovering ? cwnd : cwnd + Math.min(duplicateAcks, 2) * mss;
}

/** Whether a segment that is not full is sent (RFC 9293, section 3.8.6.2.1; Nagle: section 3.7.4). */
function isWorthSending(connection: Connection, length: number, isLast: boolean): boolean {
  const { sndNxt, sndUna, sndMax } = connection;
  if (before(sndNxt, sndMax)) return true;
  if (isLast && (connection.nodelay || sndNxt === sndUna)) return true;
  return length >= connection.maxSndWnd >> 1;
}

/** Sends text, a FIN, or both; says whether the device took it. */
function transmit(
  tcp: Tcp,
  connection: Connection,
  seq: number,
  length: number,
  isLast: boolean,
  fin: boolean,
): boolean {
  const flags = ACK | (isLast && length > 0 ? PSH : 0) | (fin ? FIN : 0);
  if (!emit(tcp, connection, seq, length, flags)) return false;
  const end = (seq + length + (fin ? 1 : 0)) | 0;
  if (before(seq, connection.sndMax)) {
    connection.retransmitted++;
    tcp.host.counters.tcpRetransmitted++;
    stopTiming(connection);
  } else {
    startTiming(connection, seq, tcp.host.time);
  }
  if (fin) connection.finSent = true;
  connection.sndNxt = end;
  connection.sndMax = later(connection.sndMax, end);
  if (connection.probing || (connection.armed & RETRANSMIT) === 0) {
    armRetransmission(tcp, connection);
  }
  return true;
}

/** Sends the oldest segment again, and leaves SND.NXT where it is. */
export function retransmitFirst(tcp: Tcp, connection: Connection): void {
  const { sndUna, sndNxt, mss, sendBuffer } = connection;
  const available = ahead(sendBuffer.end, sndUna);
  const length = Math.min(available, mss);
  const isLast = length === available;
  const fin = isLast && connection.finSent;
  if (length === 0 && !fin) return;
  transmit(tcp, connection, sndUna, length, isLast, fin);
  connection.sndNxt = later(sndNxt, connection.sndNxt);
}

/** Nothing is under way although there is something to send: the peer's window is closed, and has to be asked. */
function mayProbe(tcp: Tcp, connection: Connection): void {
  if (ahead(connection.sendBuffer.end, connection.sndNxt) <= 0) return;
  if (connection.pending || (connection.armed & RETRANSMIT) !== 0) return;
  connection.probing = true;
  arm(tcp, connection, RETRANSMIT, connection.rto);
}

/** Probes a window that is closed: with a byte, since whoever has no room for it tells so (section 3.8.6.1). */
export function probeWindow(tcp: Tcp, connection: Connection): void {
  const { sndUna, sndMax } = connection;
  if (!emit(tcp, connection, sndUna, 1, ACK)) return;
  connection.sndMax = later(sndMax, (sndUna + 1) | 0);
  stopTiming(connection);
}

/** The peer opened its window: the probing is over. */
export function endProbing(connection: Connection): void {
  if (!connection.probing) return;
  connection.probing = false;
  connection.retransmits = 0;
  disarm(connection, RETRANSMIT);
}
