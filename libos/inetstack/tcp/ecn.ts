/**
 * Explicit Congestion Notification (RFC 3168): routers mark packets where they would have to lose some soon, the receiver tells
 * the sender of the mark, and the sender makes its window smaller as for a loss, once a round trip.
 *
 * It is agreed upon in the SYNs: always if the peer asks for it, and asked for if the host is made so.
 *
 * @module
 */

import { reduceThreshold } from "./congestion/congestion.ts";
import type { Connection } from "./connection.ts";
import { isUnderWay } from "./sequence.ts";
import type { Segment } from "./segment.ts";
import { STATE } from "./state.ts";
import { ECN } from "../wire/ipv4.ts";
import { FLAG } from "../wire/tcp.ts";

const { ACK, CWR, ECE, SYN } = FLAG;

/** The control bits that a SYN has in addition, or a SYN,ACK (section 6.1.1). */
export function ecnOfSyn(connection: Connection, ask: boolean): number {
  if (connection.state === STATE.SYN_RECEIVED) return connection.ecn ? ECE : 0;
  // Some routers drop what they do not know: a SYN that is sent again is a plain one (section 6.1.1.1).
  connection.ecn = ask && connection.retransmits === 0;
  return connection.ecn ? ECE | CWR : 0;
}

/** What a SYN, or its answer, says of it; `gives` is whether a peer that asks for it gets it. */
export function takeEcnOfSyn(connection: Connection, segment: Segment, gives: boolean): void {
  const bits = segment.flags & (ECE | CWR);
  connection.ecn = (segment.flags & ACK) !== 0
    ? connection.ecn && bits === ECE
    : gives && bits === (ECE | CWR);
}

/** The control bits that a segment has in addition which is none of a handshake (sections 6.1.2 and 6.1.3). */
export function ecnOfSegment(connection: Connection, isNewText: boolean): number {
  let flags = connection.ecnEcho ? ECE : 0;
  if (connection.ecnReduced && isNewText) {
    connection.ecnReduced = false;
    flags |= CWR;
  }
  return flags;
}

/** What a segment says of congestion, that was marked by a router or not; RFC 3168 says nothing of others than these. */
export function takeEcn(connection: Connection, segment: Segment, mark: number): void {
  const { flags, length } = segment;
  if ((flags & SYN) !== 0) return;
  if ((flags & CWR) !== 0) connection.ecnEcho = false;
  if (mark === ECN.CONGESTED && length > 0) {
    // At once, since the peer waits for nothing more urgently.
    connection.ecnEcho = true;
    connection.ackNow = true;
  }
}

/** An acknowledgment says that what was sent found congestion (section 6.1.2). */
export function reduceForMark(connection: Connection, ack: number): void {
  const { sndUna, sndMax, congestionEnd } = connection;
  if (connection.recovering || isUnderWay(congestionEnd, ack, sndMax) || sndMax === sndUna) return;
  reduceThreshold(connection, false);
  connection.cwnd = connection.ssthresh;
  connection.congestionEnd = sndMax;
}
