/**
 * SYN cookies (RFC 4987, section 3.6): when a listener holds as many half-open connections as it may, a SYN is answered without
 * a memory of it. All that has to be known later is in the numbers of the answer, which an honest peer sends back: in the
 * initial sequence number a keyed hash and the class of its MSS, in the low bits of the timestamp the other options.
 *
 * @module
 */

import { ahead } from "./sequence.ts";
import { type Connection, defaultMss } from "./connection.ts";
import { connectionHash } from "./isn.ts";
import { sendAnswer, toldMss } from "./emit.ts";
import { hash } from "../hash.ts";
import type { IpAddress } from "../ip_address.ts";
import type { Listener } from "./listener.ts";
import type { Packet } from "../ip/packet.ts";
import type { Segment } from "./segment.ts";
import type { Tcp } from "./tcp.ts";
import { scaleFor } from "./window.ts";
import { takeFirstWindow, takeSyn } from "./input.ts";
import { writeSynOptions } from "./syn_options.ts";
import { FLAG, TCP } from "../wire/tcp.ts";

const { ACK, CWR, ECE, SYN } = FLAG;

/** The longest answer, with all options. */
const LONGEST = 40;

/** The sizes of segments that can be told apart: those of the usual MTUs, each good for all larger ones up to the next. */
const SIZES = [536, 1220, 1300, 1360, 1400, 1440, 1452, 1460] as const;
/** A cookie is good in the period that it was made in and the next one, of 2 ** 16 ms each. */
const PERIOD_BITS = 16;
/** The low bits of a timestamp: the scale of windows (15 for none), selective acknowledgments, congestion marks. */
const STAMP_BITS = 6;
const STAMP_MASK = (1 << STAMP_BITS) - 1;
const NO_SCALE = 15;
const SACK = 16;
const MARKS = 32;

/** Answers a SYN, and forgets it. */
export function sendCookie(
  tcp: Tcp,
  packet: Packet,
  segment: Segment,
  ports: number,
  listener: Listener,
): void {
  const { source, destination } = packet;
  const { ms } = tcp.host.time;
  forgetRefused(tcp, segment);
  const size = segment.mss || defaultMss(packet.version);
  let index = 0;
  while (index < SIZES.length - 1 && SIZES[index + 1]! <= size) index++;
  const out = ports << 16 | ports >>> 16;
  const cookie = makeCookie(tcp, destination, source, out, segment.seq, ms >>> PERIOD_BITS, index);
  let stamp = 0;
  if (segment.hasTimestamps) {
    const { windowScale, sackPermitted, flags } = segment;
    const asksForMarks = (flags & (ECE | CWR)) === (ECE | CWR);
    const options = (windowScale < 0 ? NO_SCALE : windowScale) | (sackPermitted ? SACK : 0) |
      (asksForMarks ? MARKS : 0);
    const real = (ms + connectionHash(tcp.key, source, destination, out)) | 0;
    stamp = (real & ~STAMP_MASK) | options;
    // It must not be ahead of the time that later segments tell.
    if (ahead(stamp, real) > 0) stamp = (stamp - STAMP_MASK - 1) | 0;
  }
  tcp.cookieAt = ms;
  tcp.sendsCookies = true;
  tcp.host.counters.tcpCookiesSent++;
  emitAnswer(tcp, packet, segment, cookie, stamp, listener);
}

/** What the host does without is not taken, as if the SYN had not had it. */
function forgetRefused(tcp: Tcp, segment: Segment): void {
  segment.hasTimestamps &&= tcp.offersTimestamps;
  segment.sackPermitted &&= tcp.offersSack;
  if (!tcp.offersWindowScale) segment.windowScale = -1;
  if (!tcp.givesEcn) segment.flags &= ~(ECE | CWR);
}

/** Sends the SYN,ACK of no connection: without timestamps nothing is remembered but the MSS, and nothing else is offered. */
function emitAnswer(
  tcp: Tcp,
  packet: Packet,
  segment: Segment,
  seq: number,
  stamp: number,
  { receiveLimit, maxSegmentSize }: Listener,
): void {
  const { output } = tcp;
  const { source } = packet;
  const { hasTimestamps, windowScale } = segment;
  const neighbour = output.route(source);
  if (neighbour === null || !output.begin(neighbour, source, LONGEST)) return;
  const asksForMarks = hasTimestamps && (segment.flags & (ECE | CWR)) === (ECE | CWR);
  const flags = SYN | ACK | (asksForMarks ? ECE : 0);
  const size = TCP.SIZE + writeSynOptions(
    output.memory,
    output.at + TCP.SIZE,
    toldMss(neighbour, packet.version, maxSegmentSize),
    hasTimestamps,
    stamp,
    segment.tsValue,
    hasTimestamps && segment.sackPermitted,
    hasTimestamps && windowScale >= 0 ? scaleFor(receiveLimit) : -1,
  );
  const window = Math.min(receiveLimit, 65_535);
  sendAnswer(tcp, packet, neighbour, seq, (segment.seq + 1) | 0, flags, window, size);
}

/**
 * What an acknowledgment that comes to no connection says of the peer's MSS, if it is the answer to a cookie that was sent; 0 if
 * it is none.
 */
export function readCookie(tcp: Tcp, packet: Packet, segment: Segment, ports: number): number {
  const { ms } = tcp.host.time;
  const lifetime = 2 << PERIOD_BITS;
  if (!tcp.sendsCookies || ((ms - tcp.cookieAt) | 0) >= lifetime) return 0;
  const cookie = (segment.ack - 1) | 0;
  const index = (cookie >>> 24) & 7;
  const age = ((ms >>> PERIOD_BITS) - (cookie >>> 27)) & 31;
  if (age > 1) return 0;
  const { source, destination } = packet;
  const out = ports << 16 | ports >>> 16;
  const period = (ms >>> PERIOD_BITS) - age;
  const irs = (segment.seq - 1) | 0;
  return makeCookie(tcp, destination, source, out, irs, period, index) === cookie
    ? SIZES[index]!
    : 0;
}

function makeCookie(
  { key }: Tcp,
  local: IpAddress,
  remote: IpAddress,
  ports: number,
  irs: number,
  period: number,
  index: number,
): number {
  const tag = hash(key, connectionHash(key, local, remote, ports), irs, period, index);
  return (period & 31) << 27 | index << 24 | tag >>> 8;
}

/** Makes of a connection what it would be, if its SYN had been remembered; it is in SYN-RECEIVED then. */
export function recall(tcp: Tcp, connection: Connection, segment: Segment, mss: number): void {
  const { seq, flags, window } = segment;
  const iss = (segment.ack - 1) | 0;
  const options = segment.hasTimestamps && tcp.offersTimestamps
    ? segment.tsEcho & STAMP_MASK
    : NO_SCALE;
  const scale = options & NO_SCALE;
  segment.seq = (seq - 1) | 0;
  segment.flags = SYN | ((options & MARKS) !== 0 ? ECE | CWR : 0);
  segment.mss = mss;
  segment.windowScale = scale === NO_SCALE ? -1 : scale;
  segment.sackPermitted = (options & SACK) !== 0;
  takeSyn(tcp, connection, segment);
  takeFirstWindow(connection, segment);
  segment.seq = seq;
  segment.flags = flags;
  segment.window = window;
  connection.iss = connection.sndUna = iss;
  connection.sndNxt = connection.sndMax = (iss + 1) | 0;
  connection.duplicateRound = connection.congestionEnd = connection.limitedEnd = iss;
  connection.sendBuffer.reset(connection.sndNxt);
}
