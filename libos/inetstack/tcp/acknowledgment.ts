/**
 * Acknowledgments that come: what of the own data has arrived, and how much more the peer takes (RFC 9293, section
 * 3.10.7.4, "fifth").
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { EVENT, TIMER } from "./connection.ts";
import { challenge } from "./challenge.ts";
import { provePath } from "./path_mtu.ts";
import { reduceForMark } from "./ecn.ts";
import { endProbing } from "./output.ts";
import { onDuplicate, onPartial } from "./recovery.ts";
import { measure, sample } from "./rtt.ts";
import { repeatAll, takeSelective } from "./sack_recovery.ts";
import { ahead, before } from "./sequence.ts";
import type { Segment } from "./segment.ts";
import type { Tcp } from "./tcp.ts";
import { armRetransmission, disarm } from "./timers.ts";
import { FLAG } from "../wire/tcp.ts";

/** Takes the acknowledgment of a segment; says whether the rest of the segment is to be looked at. */
export function acknowledge(tcp: Tcp, connection: Connection, segment: Segment): boolean {
  const { sndUna, sndMax } = connection;
  const { ack } = segment;
  const acked = ahead(ack, sndUna);
  if (before(sndMax, ack)) {
    // Of what was never sent: the peer is told what was.
    challenge(tcp, connection);
    return false;
  }
  if (acked < 0) {
    // An old one; one that is too old was never ours (RFC 5961, section 5.2).
    if (acked < -connection.maxSndWnd) {
      challenge(tcp, connection);
      return false;
    }
    return true;
  }
  const { probing, sndWnd } = connection;
  const opened = updateWindow(connection, segment);
  // Whoever takes nothing and says so is there (RFC 9293, section 3.8.6.1, and SHLD-17 of section 3.8.6).
  if (probing || connection.sndWnd === 0) connection.unanswered = 0;
  if (opened && sndWnd === 0 && acked === 0 && connection.afterTimeout) {
    repeatUntaken(tcp, connection);
  }
  if ((segment.flags & FLAG.ECE) !== 0 && connection.ecn) reduceForMark(connection, ack);
  if (acked > 0) advance(tcp, connection, segment, acked);
  else if (connection.sackPermitted) {
    if (!connection.probing) takeSelective(tcp, connection, segment, 0);
  } else if (
    segment.span === 0 && !opened && sndMax !== sndUna && !connection.probing &&
    (segment.flags & FLAG.SYN) === 0
  ) {
    onDuplicate(tcp, connection);
  }
  if (acked > 0 || opened) tcp.want(connection);
  return true;
}

function advance(tcp: Tcp, connection: Connection, segment: Segment, acked: number): void {
  const { time } = tcp.host;
  const { ack } = segment;
  connection.sndUna = ack;
  if (before(connection.sndNxt, ack)) connection.sndNxt = ack;
  // Timestamps tell the time of what was sent twice, too (RFC 7323, section 4).
  if (connection.timing) measure(connection, ack, time);
  else if (connection.timestamps && connection.retransmits > 0 && segment.tsEcho !== 0) {
    const rtt = (time.ms + connection.tsOffset - segment.tsEcho) | 0;
    if (rtt >= 0 && rtt < 600_000) sample(connection, rtt * 1000);
  }
  connection.retransmits = connection.unanswered = 0;
  connection.stalled = false;
  provePath(connection, acked);
  connection.sendBuffer.acknowledge(ack);
  connection.neighbour.progress();
  connection.events |= EVENT.WRITABLE;
  if (connection.sackPermitted) {
    // The timer goes first: what is found out then may set it for something earlier.
    rearm(tcp, connection);
    takeSelective(tcp, connection, segment, acked);
    return;
  }
  if (connection.recovering) onPartial(tcp, connection, acked);
  else {
    connection.duplicateAcks = 0;
    connection.congestion.acknowledged(connection, acked, time);
  }
  rearm(tcp, connection);
}

/**
 * The window opened that had been closed with text under way, and everything is as after the first timeout: what was sent
 * again meanwhile probed it, was not taken, and is under way no more.
 */
function repeatUntaken(tcp: Tcp, connection: Connection): void {
  connection.retransmits = 0;
  repeatAll(tcp, connection);
  armRetransmission(tcp, connection);
}

/** Sets the retransmission timer anew, or ends it (rules 5.2 and 5.3 of RFC 6298). */
function rearm(tcp: Tcp, connection: Connection): void {
  if (connection.sndUna === connection.sndMax) disarm(connection, TIMER.RETRANSMIT);
  else if (!connection.probing) armRetransmission(tcp, connection);
  if (connection.probing) endProbing(connection);
}

/**
 * Takes the window of a segment that is not older than the one it came with; says whether what may be sent has to be looked
 * at: it is another one, or was probed.
 */
export function updateWindow(connection: Connection, segment: Segment): boolean {
  const { sndWl1, sndWl2, sndWnd } = connection;
  const { seq, ack } = segment;
  if (before(seq, sndWl1) || (seq === sndWl1 && before(ack, sndWl2))) return false;
  const window = segment.window << connection.sndScale;
  connection.sndWnd = window;
  connection.sndWl1 = seq;
  connection.sndWl2 = ack;
  if (window > connection.maxSndWnd) connection.maxSndWnd = window;
  const probed = connection.probing && window > 0;
  if (probed) endProbing(connection);
  return probed || window !== sndWnd;
}
