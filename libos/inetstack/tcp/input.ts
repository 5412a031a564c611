/**
 * Segments in: what each of them means in each state, in the order of RFC 9293, section 3.10.7.
 *
 * @module
 */

import { acknowledge, updateWindow } from "./acknowledgment.ts";
import { challenge } from "./challenge.ts";
import { initialWindow } from "./congestion/congestion.ts";
import type { Connection } from "./connection.ts";
import { defaultMss, EVENT, TIMER } from "./connection.ts";
import { takeEcn, takeEcnOfSyn } from "./ecn.ts";
import { emitAck, emitReset, emitResetFor, ownMss } from "./emit.ts";
import { Errno } from "../../error.ts";
import type { Packet } from "../ip/packet.ts";
import { INITIAL_RTO_AFTER_LOSS, measure } from "./rtt.ts";
import { ahead, before } from "./sequence.ts";
import type { Segment } from "./segment.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { enterTimeWait, FIN_WAIT_LENGTH, noteTwice, takeText, TIME_WAIT_LENGTH } from "./text.ts";
import { arm, disarm } from "./timers.ts";
import { BOUNDS } from "../bounds.ts";
import { FLAG, TIMESTAMPS_SIZE } from "../wire/tcp.ts";

/** TS.Recent is good for so long without a new one: 24 days (RFC 7323, section 5.5). */
const TS_RECENT_LIFETIME = 24 * 24 * 3_600_000;

/** A segment came for a connection. */
export function arrive(
  tcp: Tcp,
  connection: Connection,
  packet: Packet,
  segment: Segment,
): void {
  connection.heardAt = tcp.host.time.ms;
  connection.keepaliveProbes = 0;
  if (connection.state === STATE.SYN_SENT) arriveInSynSent(tcp, connection, packet, segment);
  else if (connection.state !== STATE.CLOSED) arriveInOthers(tcp, connection, packet, segment);
}

/** Section 3.10.7.3. */
function arriveInSynSent(
  tcp: Tcp,
  connection: Connection,
  packet: Packet,
  segment: Segment,
): void {
  const { flags, ack } = segment;
  const acks = (flags & FLAG.ACK) !== 0;
  if (acks && (!before(connection.iss, ack) || before(connection.sndMax, ack))) {
    if ((flags & FLAG.RST) === 0) emitResetFor(tcp, packet, segment);
    return;
  }
  if ((flags & FLAG.RST) !== 0) {
    // One that acknowledges nothing may be from anybody.
    if (acks) tcp.fail(connection, Errno.ECONNREFUSED);
    return;
  }
  if ((flags & FLAG.SYN) === 0) return;
  takeSyn(tcp, connection, segment);
  if (acks) {
    connection.sndUna = ack;
    measure(connection, ack, tcp.host.time);
    takeFirstWindow(connection, segment);
    establish(tcp, connection);
    connection.ackNow = true;
    tcp.want(connection);
  } else {
    // Simultaneous open: both sent a SYN. The own one is sent again, with an acknowledgment.
    connection.state = STATE.SYN_RECEIVED;
    connection.sndNxt = connection.iss;
    takeFirstWindow(connection, segment);
    tcp.want(connection);
  }
  // Text in a SYN is taken late: the peer sends it again, or it is in order now.
  takeTextOfSyn(tcp, connection, segment);
}

/** What a SYN tells of the peer: its first number, and its options. */
export function takeSyn(tcp: Tcp, connection: Connection, segment: Segment): void {
  const { seq } = segment;
  connection.irs = seq;
  connection.rcvNxt = (seq + 1) | 0;
  connection.answered = connection.rcvNxt;
  connection.rcvAdv = (connection.rcvNxt + Math.min(connection.receiveLimit, 65_535)) | 0;
  connection.lastAckSent = connection.rcvNxt;
  connection.peerMss = segment.mss || defaultMss(connection.version);
  connection.timestamps = connection.timestamps && segment.hasTimestamps;
  if (connection.timestamps) takeTimestamp(tcp, connection, segment);
  connection.sackPermitted = connection.sackPermitted && segment.sackPermitted;
  takeEcnOfSyn(connection, segment, tcp.givesEcn);
  if (connection.rcvScale > 0 && segment.windowScale >= 0) {
    connection.sndScale = segment.windowScale;
  } else connection.rcvScale = connection.sndScale = 0;
  setMss(connection);
}

/** How much text goes in a segment: what the peer and the way take, and the user wants, without the options. */
export function setMss(connection: Connection): void {
  const { neighbour, version, peerMss, maxSegmentSize, pathMtu, timestamps } = connection;
  const path = ownMss(neighbour, version) + pathMtu - neighbour.iface.device.mtu;
  const most = Math.min(peerMss, path, maxSegmentSize || path);
  const options = timestamps ? TIMESTAMPS_SIZE : 0;
  connection.mss = Math.max(most - options, BOUNDS.LEAST_MSS);
}

/** Takes the window of a SYN, which is not scaled. */
export function takeFirstWindow(connection: Connection, segment: Segment): void {
  connection.sndWnd = connection.maxSndWnd = segment.window;
  connection.sndWl1 = segment.seq;
  connection.sndWl2 = segment.ack;
}

/** Text that came with a SYN, and the FIN, begin one after it. */
function takeTextOfSyn(tcp: Tcp, connection: Connection, segment: Segment): void {
  if (segment.length === 0 && (segment.flags & FLAG.FIN) === 0) return;
  if (connection.state !== STATE.ESTABLISHED) return;
  segment.seq = (segment.seq + 1) | 0;
  takeText(tcp, connection, segment);
}

/** The connection is made. */
function establish(tcp: Tcp, connection: Connection): void {
  const { retransmits, mss } = connection;
  // The SYN, or what answers it, was lost (RFC 6298, rule 5.7).
  if (retransmits > 0 && connection.srtt === 0) connection.rto = INITIAL_RTO_AFTER_LOSS;
  connection.state = STATE.ESTABLISHED;
  connection.retransmits = connection.unanswered = 0;
  connection.recover = connection.iss;
  connection.sentAt = connection.tunedAt = tcp.host.time.us;
  connection.tunedSeq = connection.rcvNxt;
  disarm(connection, TIMER.RETRANSMIT);
  // One that had to be sent again may have been late; after more of them the way is full (RFC 6928, section 2).
  connection.cwnd = retransmits > 1 ? mss : initialWindow(connection);
  connection.slowStart.windowEnd = connection.sndUna;
  connection.neighbour.progress();
  connection.events |= EVENT.CONNECTED;
  tcp.keepAlive(connection);
  if (connection.listener !== null) tcp.established(connection);
}

/** Section 3.10.7.4. */
function arriveInOthers(
  tcp: Tcp,
  connection: Connection,
  packet: Packet,
  segment: Segment,
): void {
  if (
    connection.state === STATE.TIME_WAIT && reopens(connection, segment) &&
    tcp.listeners.find(packet, connection.localPort) !== null
  ) {
    tcp.reopen(connection, packet, segment);
    return;
  }
  // First: sequence numbers, and timestamps before (RFC 7323, section 5.3).
  if (connection.timestamps && (segment.flags & FLAG.RST) === 0) {
    if (!segment.hasTimestamps) return;
    if (isOldTimestamp(tcp, connection, segment)) {
      challenge(tcp, connection);
      return;
    }
  }
  if (connection.state === STATE.SYN_RECEIVED) stripKnownSyn(tcp, connection, segment);
  if (!isAcceptable(connection, segment)) {
    if ((segment.flags & FLAG.RST) === 0) refuse(tcp, connection, segment);
    return;
  }
  const { flags, ack } = segment;
  // One of a segment that is dropped for its ACK (RFC 5961, section 5.2) would let the peer's next ones look old.
  if (
    segment.hasTimestamps && !before(connection.lastAckSent, segment.seq) &&
    !before(connection.sndMax, ack)
  ) takeTimestamp(tcp, connection, segment);
  // Second: RST. Only one at the very edge is good (RFC 5961, section 3.2).
  if ((flags & FLAG.RST) !== 0) {
    const resets = segment.seq === connection.rcvNxt || !tcp.challengesResets;
    if (resets) takeReset(tcp, connection);
    else challenge(tcp, connection);
    return;
  }
  // Fourth: a SYN is wrong here (RFC 5961, section 4.2).
  if ((flags & FLAG.SYN) !== 0) {
    if (tcp.challengesSyns || connection.state === STATE.TIME_WAIT) challenge(tcp, connection);
    else {
      emitReset(tcp, connection);
      tcp.fail(connection, Errno.ECONNRESET);
    }
    return;
  }
  if (connection.ecn) takeEcn(connection, segment, packet.ecn);
  // Fifth: ACK.
  if ((flags & FLAG.ACK) === 0) return;
  if (connection.state === STATE.SYN_RECEIVED && !takeAckOfSyn(tcp, connection, packet, segment)) {
    return;
  }
  if (!acknowledge(tcp, connection, segment)) return;
  if (connection.finSent && connection.sndUna === connection.sndMax) takeAckOfFin(tcp, connection);
  if (connection.state === STATE.CLOSED) return;
  if (connection.state === STATE.TIME_WAIT) {
    if ((flags & FLAG.FIN) !== 0) {
      arm(tcp, connection, TIMER.END, TIME_WAIT_LENGTH);
      emitAck(tcp, connection);
    }
    return;
  }
  // Text that nobody will take any more is lost, and the peer has to know (RFC 9293, section 3.6.1).
  const isNew = before(connection.rcvNxt, (segment.seq + segment.length) | 0);
  if (connection.user === null && connection.deaf && segment.length > 0 && isNew) {
    emitReset(tcp, connection);
    tcp.remove(connection);
    return;
  }
  // Sixth, the urgent pointer, is not looked at: urgent data is text like any other (RFC 6093).
  takeText(tcp, connection, segment);
  if (connection.ackNow) tcp.want(connection);
}

/** Whether a part of the segment is within the window (section 3.4, table 6). */
function isAcceptable(connection: Connection, segment: Segment): boolean {
  const { rcvNxt, rcvAdv, finReceived } = connection;
  const { seq, span } = segment;
  // The right edge itself is where a peer is whose last text filled the window, and was lost: not one whose FIN came, nor
  // may it be a RST.
  if (span === 0 && seq === rcvAdv) {
    return seq === rcvNxt || (!finReceived && (segment.flags & FLAG.RST) === 0);
  }
  if (span === 0) return !before(seq, rcvNxt) && before(seq, rcvAdv);
  // Of a closed window, ACK and RST are good all the same; the text is cut off later.
  if (rcvAdv === rcvNxt && seq === rcvNxt) return true;
  return before(seq, rcvAdv) && before(rcvNxt, (seq + span) | 0);
}

/** A segment that is not acceptable is answered with what would be; so often a second at most if it has no text. */
function refuse(tcp: Tcp, connection: Connection, segment: Segment): void {
  if (connection.state === STATE.TIME_WAIT && (segment.flags & FLAG.FIN) !== 0) {
    arm(tcp, connection, TIMER.END, TIME_WAIT_LENGTH);
  }
  const { seq, length } = segment;
  if (length > 0 && before(seq, connection.rcvNxt)) noteTwice(connection, seq, length);
  if (segment.span > 0) emitAck(tcp, connection);
  else challenge(tcp, connection);
}

/** PAWS: whether a segment is from before one that came already. */
function isOldTimestamp(tcp: Tcp, connection: Connection, segment: Segment): boolean {
  if (!before(segment.tsValue, connection.tsRecent)) return false;
  // It is more than half of what 32 bits count: the difference has no sign.
  return (tcp.host.time.ms - connection.tsRecentAt) >>> 0 < TS_RECENT_LIFETIME;
}

function takeTimestamp(tcp: Tcp, connection: Connection, segment: Segment): void {
  connection.tsRecent = segment.tsValue;
  connection.tsRecentAt = tcp.host.time.ms;
}

/** In SYN-RECEIVED the peer's SYN comes again if it is lost what was answered; or with an ACK, if both open. */
function stripKnownSyn(tcp: Tcp, connection: Connection, segment: Segment): void {
  if ((segment.flags & FLAG.SYN) === 0 || segment.seq !== connection.irs) return;
  segment.flags &= ~FLAG.SYN;
  segment.seq = (segment.seq + 1) | 0;
  // The window of a segment with a SYN is not scaled (RFC 7323, section 2.2); it is taken for one of others now.
  segment.window >>= connection.sndScale;
  if ((segment.flags & FLAG.ACK) !== 0) return;
  connection.sndNxt = connection.iss;
  tcp.want(connection);
}

/** Section 3.10.7.4, "second": what is told to whom depends on the state. */
function takeReset(tcp: Tcp, connection: Connection): void {
  const { state } = connection;
  if (state === STATE.TIME_WAIT) {
    // It would let old segments into a new connection (RFC 1337, section 3, fix F1).
    return;
  }
  const refused = state === STATE.SYN_RECEIVED && connection.listener === null;
  tcp.fail(connection, refused ? Errno.ECONNREFUSED : Errno.ECONNRESET);
}

function takeAckOfSyn(
  tcp: Tcp,
  connection: Connection,
  packet: Packet,
  segment: Segment,
): boolean {
  const { ack } = segment;
  if (!before(connection.sndUna, ack) || before(connection.sndMax, ack)) {
    emitResetFor(tcp, packet, segment);
    return false;
  }
  connection.sndUna = ack;
  connection.sndNxt = connection.sndMax;
  measure(connection, ack, tcp.host.time);
  updateWindow(connection, segment);
  establish(tcp, connection);
  tcp.want(connection);
  return true;
}

function takeAckOfFin(tcp: Tcp, connection: Connection): void {
  switch (connection.state) {
    case STATE.FIN_WAIT_1:
      connection.state = STATE.FIN_WAIT_2;
      if (connection.user === null) arm(tcp, connection, TIMER.END, FIN_WAIT_LENGTH);
      return;
    case STATE.CLOSING:
      enterTimeWait(tcp, connection);
      return;
    case STATE.LAST_ACK:
      tcp.remove(connection);
  }
}

/** Whether a SYN is of a new connection in place of one in TIME-WAIT (RFC 6191, section 2). */
function reopens(connection: Connection, segment: Segment): boolean {
  if ((segment.flags & (FLAG.SYN | FLAG.RST | FLAG.ACK)) !== FLAG.SYN) return false;
  if (connection.timestamps && segment.hasTimestamps) {
    const newer = ahead(segment.tsValue, connection.tsRecent);
    if (newer !== 0) return newer > 0;
  }
  return before(connection.rcvNxt, segment.seq);
}
