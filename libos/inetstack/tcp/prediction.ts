/**
 * Header prediction (Van Jacobson, 1990): the segment that an established connection expects, the next text in order or an
 * acknowledgment of what is under way, is taken in one go, its text copied and summed in one pass. Whatever is not wholly
 * as expected is left, untouched, to the order of checks of RFC 9293; it would do the same, in more steps.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { EVENT, TIMER } from "./connection.ts";
import { fold, type Memory, swap16 } from "../../runtime/memory/memory.ts";
import { measure } from "./rtt.ts";
import { takeInOrder } from "./sack.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { delayAck } from "./text.ts";
import { armRetransmission } from "./timers.ts";
import { swap32 } from "../wire/byte_order.ts";
import { sumHeader, TCP, TIMESTAMPS_HEAD, TIMESTAMPS_SIZE } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { ESTABLISHED } = STATE;
const { READABLE, WRITABLE } = EVENT;
const { RETRANSMIT } = TIMER;
const TIMESTAMPS: number = TIMESTAMPS_HEAD;

/** Length of the header: timestamps, and nothing else. */
const HEADER = TCP.SIZE + TIMESTAMPS_SIZE;
/** Its length and flags, ACK with PSH or without, as their bytes lie in memory; PSH is masked out. */
const EXPECTED = HEADER << 2 | 0x10 << 8;
const MASK = 0xf7ff;

/**
 * Takes the segment of `size` bytes at a place if it is the expected one; says whether it was, or was broken and is
 * dropped.
 */
export function takeExpected(
  tcp: Tcp,
  connection: Connection,
  memory: Memory,
  at: number,
  size: number,
  verified: boolean,
): boolean {
  const { i32 } = memory;
  const word = at >> 2;
  const fourth = i32[word + 3]!;
  const seq = connection.rcvNxt;
  if (
    (fourth & MASK) !== EXPECTED || i32[word + 5] !== TIMESTAMPS || size < HEADER ||
    swap32(i32[word + 1]!) !== seq || connection.state !== ESTABLISHED ||
    !connection.timestamps || connection.finSeen || connection.deaf
  ) {
    return false;
  }
  const { sndUna, sndMax, receiveBuffer } = connection;
  const stamp = swap32(i32[word + 6]!);
  const ack = swap32(i32[word + 2]!);
  const acked = (ack - sndUna) | 0;
  const length = size - HEADER;
  const next = (seq + length) | 0;
  if (
    ((stamp - connection.tsRecent) | 0) < 0 || acked < 0 || ((sndMax - ack) | 0) < 0 ||
    (acked | length) === 0 || ((connection.rcvAdv - next) | 0) < 0 ||
    receiveBuffer.outOfOrder > 0 || connection.recovering || connection.probing ||
    (connection.duplicateAcks | connection.retransmits) !== 0
  ) {
    return false;
  }
  const text = length > 0 ? receiveBuffer.stage(seq, memory, at + HEADER, length) : 0;
  if (
    !verified &&
    fold(text + sumHeader(memory, at) + connection.pseudo + swap16(size)) !== 0xffff
  ) {
    if (length > 0) receiveBuffer.discard();
    tcp.host.counters.tcpErrors++;
    return true;
  }
  const { time } = tcp.host;
  connection.heardAt = time.ms;
  connection.keepaliveProbes = 0;
  // Last.ACK.sent is not beyond RCV.NXT, so the stamp is of a segment that it waited for, or of one after that.
  if (((seq - connection.lastAckSent) | 0) <= 0) {
    connection.tsRecent = stamp;
    connection.tsRecentAt = time.ms;
  }
  const window = swap16(fourth >>> 16) << connection.sndScale;
  connection.sndWnd = window;
  connection.sndWl1 = seq;
  connection.sndWl2 = ack;
  if (window > connection.maxSndWnd) connection.maxSndWnd = window;
  if (acked > 0) {
    connection.sndUna = ack;
    if (((connection.sndNxt - ack) | 0) < 0) connection.sndNxt = ack;
    if (connection.timing) measure(connection, ack, time);
    connection.sendBuffer.acknowledge(ack);
    connection.neighbour.progress();
    if (connection.scoreboard !== null) takeInOrder(tcp, connection, ack);
    connection.congestion.acknowledged(connection, acked, time);
    connection.events |= WRITABLE;
    if (ack === sndMax) connection.armed &= ~RETRANSMIT;
    else armRetransmission(tcp, connection);
  }
  if (connection.sendBuffer.end !== connection.sndNxt) tcp.want(connection);
  if (length > 0) {
    receiveBuffer.commit(length);
    connection.rcvNxt = next;
    delayAck(tcp, connection, length, false);
    connection.events |= READABLE;
  }
  return true;
}
