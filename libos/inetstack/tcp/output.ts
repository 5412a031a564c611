/**
 * Sending (RFC 9293, section 3.8): what the windows of the peer and of the network allow, in segments that are worth it.
 *
 * @module
 */

import { initialWindow } from "./congestion/congestion.ts";
import type { Connection } from "./connection.ts";
import { FRTO, TIMER } from "./connection.ts";
import { emit, emitAck, emitSyn } from "./emit.ts";
import { currentRto, startTiming, stopTiming } from "./rtt.ts";
import { beginScoreboard } from "./sack.ts";
import { RECORD, type Scoreboard } from "./scoreboard.ts";
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
  const board = connection.scoreboard;
  const { sndNxt, sndUna, sendBuffer } = connection;
  connection.cwndLimited = false;
  if (sndNxt === sndUna) {
    // Once a pause: where nothing is sent now, it goes on.
    if (!connection.probing && ahead(sendBuffer.end, sndNxt) > 0) {
      validateWindow(connection, tcp.host.time.us);
    }
  } else if (board !== null && board.lostBytes > 0 && connection.frto !== FRTO.CONTINUED) {
    retransmitLost(tcp, connection, board);
  }
  while (sendNext(tcp, connection));
  if (connection.cwndLimited || connection.cwnd - connection.pipe < connection.mss) {
    connection.limitedEnd = connection.sndMax;
  }
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
    !connection.nodelay ||
    ((tcp.host.time.us - connection.sentAt) >>> 10) > connection.rto
  ) {
    return false;
  }
  connection.cwndLimited = false;
  if (!transmit(tcp, connection, sndNxt, length, true, false)) return false;
  if (connection.cwnd - flight - length < connection.mss) connection.limitedEnd = connection.sndMax;
  return true;
}

/**
 * After a pause of more than a timeout, the window that was reached tells nothing of the way any more (RFC 5681, section
 * 4.1); a window that was not used shrinks by half for each timeout, and not below the initial one (RFC 2861, section 2).
 */
function validateWindow(connection: Connection, now: number): void {
  const idle = (now - connection.sentAt) >>> 0;
  let rto = 1000 * currentRto(connection);
  if (idle <= rto) return;
  const least = initialWindow(connection);
  let { cwnd } = connection;
  connection.ssthresh = Math.max(connection.ssthresh, (3 * (cwnd >> 2)) | 0);
  for (; cwnd > least && rto < idle; rto += 1000 * currentRto(connection)) cwnd >>= 1;
  if (connection.cwnd > least) connection.cwnd = Math.max(cwnd, least);
  connection.congestion.paused(connection);
}

/** Sends again what is taken for lost, as far as the window goes (NextSeg of RFC 6675, rule 1). */
function retransmitLost(tcp: Tcp, connection: Connection, board: Scoreboard): void {
  for (let i = board.nextLost(board.first); i >= 0; i = board.nextLost(i + 1)) {
    if (connection.cwnd - connection.pipe < Math.min(board.lengthOf(i), connection.mss)) {
      connection.cwndLimited = true;
      return;
    }
    if (!retransmitRecord(tcp, connection, board, i)) return;
    connection.undoable++;
  }
}

/** Sends a record again, or its beginning if segments have to be smaller by now; says whether the device took it. */
function retransmitRecord(
  tcp: Tcp,
  connection: Connection,
  board: Scoreboard,
  index: number,
): boolean {
  const { mss, sendBuffer } = connection;
  const seq = board.startOf(index);
  const fin = connection.finSent && before(sendBuffer.end, board.endOf(index));
  const whole = board.lengthOf(index) - (fin ? 1 : 0);
  const length = Math.min(whole, mss);
  if (length < whole && board.reserve(1)) {
    index = board.find(seq);
    board.split(index, (seq + length) | 0);
  }
  const { sndNxt } = connection;
  const isLast = ((seq + length) | 0) === sendBuffer.end;
  if (!transmit(tcp, connection, seq, length, isLast, fin && length === whole)) return false;
  connection.sndNxt = later(sndNxt, connection.sndNxt);
  board.markRetransmitted(index, tcp.host.time.us);
  return true;
}

/** Sends the last record again, to probe the tail. */
export function retransmitLast(tcp: Tcp, connection: Connection): void {
  const board = connection.scoreboard!;
  const index = board.last - 1;
  if ((board.stateOf(index) & RECORD.SACKED) === 0) {
    retransmitRecord(tcp, connection, board, index);
  }
}

/** Sends one segment that was not sent before, whatever the congestion window says; says whether there was one. */
export function sendOne(tcp: Tcp, connection: Connection): boolean {
  const { sndNxt, sndUna, mss, sendBuffer } = connection;
  const available = ahead(sendBuffer.end, sndNxt);
  const length = Math.min(available, mss, connection.sndWnd - ahead(sndNxt, sndUna));
  if (length <= 0) return false;
  const fin = length === available && connection.finQueued;
  return transmit(tcp, connection, sndNxt, length, length === available, fin);
}

/** Sends one segment, if one may be sent; says whether. */
function sendNext(tcp: Tcp, connection: Connection): boolean {
  const { sndNxt, sndUna, mss, sendBuffer } = connection;
  const { end } = sendBuffer;
  const available = ahead(end, sndNxt);
  // The FIN was sent, and nothing has to be sent again.
  if (available < 0) return false;
  let length = Math.min(available, mss);
  const window = connection.sndWnd - ahead(sndNxt, sndUna);
  const usable = Math.min(window, sendWindow(connection) - connection.pipe);
  if (usable < length) {
    if (window > usable) connection.cwndLimited = true;
    length = Math.max(usable, 0);
  }
  const isLast = length === available;
  const fin = isLast && connection.finQueued;
  if (length === 0 && !fin) return false;
  if (!fin && length < mss && !isWorthSending(connection, length, isLast)) return false;
  if (!transmit(tcp, connection, sndNxt, length, isLast, fin)) return false;
  if (length < mss) connection.smallEnd = connection.sndNxt;
  return true;
}

/**
 * The congestion window; the first duplicates let a new segment go each (limited transmit, RFC 3042), where the scoreboard
 * does not tell that something has left the network.
 */
function sendWindow(connection: Connection): number {
  const { cwnd, duplicateAcks, recovering, sackPermitted, mss } = connection;
  return recovering || sackPermitted ? cwnd : cwnd + Math.min(duplicateAcks, 2) * mss;
}

/**
 * Whether a segment that is not full is sent (RFC 9293, section 3.8.6.2.1). By Nagle's algorithm it waits for others of its
 * kind, and not for full ones, which the end of what was written follows at once (section 3.7.4 and appendix A.3).
 */
function isWorthSending(connection: Connection, length: number, isLast: boolean): boolean {
  const { sndNxt, sndUna, sndMax, smallEnd } = connection;
  if (before(sndNxt, sndMax)) return true;
  if (isLast && (connection.nodelay || !before(sndUna, smallEnd) || before(sndNxt, smallEnd))) {
    return true;
  }
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
  const { us } = tcp.host.time;
  if (before(seq, connection.sndMax)) {
    connection.retransmitted++;
    tcp.host.counters.tcpRetransmitted++;
    stopTiming(connection);
  } else {
    startTiming(connection, seq, tcp.host.time);
    if (seq !== connection.sndUna && connection.sackPermitted) {
      const board = connection.scoreboard ?? beginScoreboard(tcp, connection, seq);
      board.append(end, us);
      // Now there is a tail that can be probed.
      if (board.last - board.first === 2) armRetransmission(tcp, connection);
    }
  }
  connection.sentAt = us;
  if (connection.recovering) connection.prrOut += length;
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
  connection.probing = connection.stalled = false;
  connection.retransmits = connection.unanswered = 0;
  disarm(connection, RETRANSMIT);
}
