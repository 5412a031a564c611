/**
 * Segments out: each is written where the device sends it from.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { ecnOfSegment, ecnOfSyn } from "./ecn.ts";
import { fold, type Memory, sum, swap16 } from "../../runtime/memory/memory.ts";
import type { IpAddress } from "../ip_address.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import type { Packet } from "../ip/packet.ts";
import { before } from "./sequence.ts";
import { emitSack } from "./sack_blocks.ts";
import type { Segment } from "./segment.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { emitUsual, isUsual, noteAcknowledged } from "./emit_usual.ts";
import { offerWindow } from "./window.ts";
import { writeSynOptions } from "./syn_options.ts";
import { swap32 } from "../wire/byte_order.ts";
import { ECN, emitIpv4, FRAGMENT, IPV4, PROTOCOL, pseudoSum, TIME_TO_LIVE } from "../wire/ipv4.ts";
import { emitIpv6, IPV6, pseudoSum6 } from "../wire/ipv6.ts";
import { FLAG, TCP, TIMESTAMPS_HEAD, TIMESTAMPS_SIZE } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { ACK, RST, SYN } = FLAG;
const { SIZE: TCP_SIZE, CHECKSUM } = TCP;
const { SIZE: IPV4_SIZE } = IPV4;
const { SIZE: IPV6_SIZE } = IPV6;
const { TCP: PROTOCOL_TCP } = PROTOCOL;
const { DONT: DONT_FRAGMENT } = FRAGMENT;
const TIMESTAMPS: number = TIMESTAMPS_HEAD;

/** What a packet to a neighbour has room for behind both headers, options or not (RFC 6691). */
export function ownMss(neighbour: Neighbour, version: 4 | 6): number {
  return neighbour.iface.device.mtu - TCP_SIZE - (version === 4 ? IPV4_SIZE : IPV6_SIZE);
}

/** The MSS to tell a peer: that, or what the user wants; 0 for no limit. */
export function toldMss(neighbour: Neighbour, version: 4 | 6, maxSegmentSize: number): number {
  const own = ownMss(neighbour, version);
  return maxSegmentSize === 0 ? own : Math.min(own, maxSegmentSize);
}

/**
 * Sends a segment with `length` bytes of text from sequence number `seq` on. Says whether there was room in the device;
 * else the connection waits for its turn.
 */
export function emit(
  tcp: Tcp,
  connection: Connection,
  seq: number,
  length: number,
  flags: number,
): boolean {
  if ((flags & (ACK | SYN)) === ACK && isUsual(connection)) {
    return emitUsual(tcp, connection, seq, length, flags);
  }
  const { neighbour, version } = connection;
  const { iface } = neighbour;
  const frame = iface.reserve();
  if (frame < 0) {
    tcp.want(connection);
    return false;
  }
  const memory = iface.sendMemory;
  const { i32, u16 } = memory;
  const ip = frame + iface.header;
  const at = ip + (version === 4 ? IPV4_SIZE : IPV6_SIZE);
  const word = at >> 2;
  const syn = (flags & SYN) !== 0;
  const acks = (flags & ACK) !== 0;
  let size: number = TCP_SIZE;
  let mark = 0;
  if (syn) {
    flags |= ecnOfSyn(connection, tcp.asksForEcn);
    size += emitSynOptions(tcp, connection, memory, at + size);
  } else {
    if (connection.ecn) {
      // No acknowledgment is to be marked, nothing that is sent again, and no probe (RFC 3168, sections 6.1.4 to 6.1.6).
      const isNewText = length > 0 && !connection.probing && !before(seq, connection.sndMax);
      if (isNewText) mark = ECN.CAPABLE;
      flags |= ecnOfSegment(connection, isNewText);
    }
    if (connection.timestamps) {
      i32[word + 5] = TIMESTAMPS;
      i32[word + 6] = swap32((tcp.host.time.ms + connection.tsOffset) | 0);
      i32[word + 7] = swap32(connection.tsRecent);
      size += TIMESTAMPS_SIZE;
    }
    if (
      connection.sackPermitted && length === 0 &&
      (connection.receiveBuffer.outOfOrder > 0 ||
        connection.duplicateFrom !== connection.duplicateTo)
    ) {
      size += emitSack(connection, memory, at + size);
    }
  }
  const total = size + length;
  // The window of a SYN is not scaled (RFC 7323, section 2.2).
  const window = syn
    ? Math.min(connection.receiveLimit, 65_535)
    : acks
    ? offerWindow(connection)
    : 0;
  i32[word] = connection.portsOut;
  i32[word + 1] = swap32(seq);
  i32[word + 2] = acks ? swap32(connection.rcvNxt) : 0;
  i32[word + 3] = size << 2 | flags << 8 | swap16(window) << 16;
  i32[word + 4] = 0;
  const pseudo = connection.pseudo + swap16(total);
  if (iface.device.fillsChecksums) {
    if (length > 0) connection.sendBuffer.copy(seq, length, memory, at + size);
    u16[(at + CHECKSUM) >> 1] = fold(pseudo);
  } else {
    const text = length > 0 ? connection.sendBuffer.copy(seq, length, memory, at + size) : 0;
    u16[(at + CHECKSUM) >> 1] = ~fold(pseudo + sum(memory, at, size) + text);
  }
  const { counters } = tcp.host;
  counters.tcpSent++;
  counters.ipSent++;
  if (acks) noteAcknowledged(connection, length);
  if (version === 4) {
    const packet = IPV4_SIZE + total;
    const { localWord, remoteWord } = connection;
    emitIpv4(
      memory,
      ip,
      packet,
      0,
      DONT_FRAGMENT,
      PROTOCOL_TCP,
      localWord,
      remoteWord,
      TIME_TO_LIVE,
      mark,
    );
    neighbour.send(frame, packet);
  } else {
    const { local, remote } = connection;
    emitIpv6(memory, ip, total, PROTOCOL_TCP, TIME_TO_LIVE, local, remote, mark);
    neighbour.send(frame, IPV6_SIZE + total);
  }
  return true;
}

/** Sends an acknowledgment, and nothing else. */
export function emitAck(tcp: Tcp, connection: Connection): void {
  if (!emit(tcp, connection, lastSent(connection), 0, ACK)) connection.ackNow = true;
}

/** Sends the SYN of a connection, or its SYN,ACK. */
export function emitSyn(tcp: Tcp, connection: Connection): boolean {
  const flags = connection.state === STATE.SYN_RECEIVED ? SYN | ACK : SYN;
  return emit(tcp, connection, connection.iss, 0, flags);
}

/** Resets the peer of a connection (RFC 9293, section 3.10.4). */
export function emitReset(tcp: Tcp, connection: Connection): void {
  tcp.host.counters.tcpResets++;
  emit(tcp, connection, lastSent(connection), 0, RST | ACK);
}

/** SND.NXT, as the peer knows it though a timeout went back; a probe of its window it may not have taken. */
function lastSent({ probing, sndNxt, sndMax }: Connection): number {
  return probing ? sndNxt : sndMax;
}

/** Answers a segment that belongs to no connection with a reset (RFC 9293, section 3.10.7.1). */
export function emitResetFor(tcp: Tcp, packet: Packet, segment: Segment): void {
  const { output, host } = tcp;
  const { source } = packet;
  const neighbour = output.route(source);
  if (neighbour === null || !tcp.resets.spend()) return;
  if (!output.begin(neighbour, source, TCP_SIZE)) return;
  const acks = (segment.flags & ACK) !== 0;
  const seq = acks ? segment.ack : 0;
  const ack = acks ? 0 : (segment.seq + segment.span) | 0;
  host.counters.tcpResets++;
  sendAnswer(tcp, packet, neighbour, seq, ack, acks ? RST : RST | ACK, 0, TCP_SIZE);
}

/** Sends the segment that was begun, of no connection, to whom a packet is from; its options, if any, are written already. */
export function sendAnswer(
  { output, host }: Tcp,
  packet: Packet,
  neighbour: Neighbour,
  seq: number,
  ack: number,
  flags: number,
  window: number,
  size: number,
): void {
  const { source, destination } = packet;
  const { memory, at } = output;
  const { i32, u16 } = memory;
  const word = at >> 2;
  const ports = packet.memory.i32[packet.payload >> 2]!;
  i32[word] = ports << 16 | ports >>> 16;
  i32[word + 1] = swap32(seq);
  i32[word + 2] = swap32(ack);
  i32[word + 3] = size << 2 | flags << 8 | swap16(window) << 16;
  i32[word + 4] = 0;
  const pseudo = pseudoOf(destination, source) + swap16(size);
  u16[(at + CHECKSUM) >> 1] = output.fillsChecksums(neighbour, size)
    ? fold(pseudo)
    : ~fold(pseudo + sum(memory, at, size));
  host.counters.tcpSent++;
  output.send(neighbour, size, PROTOCOL_TCP, destination, source);
}

/** The sum of a pseudo-header of TCP, without the length. */
export function pseudoOf(source: IpAddress, destination: IpAddress): number {
  return source.version === 4
    ? pseudoSum(source.w3, destination.w3, PROTOCOL_TCP)
    : pseudoSum6(source, destination, PROTOCOL_TCP);
}

/** The options of a SYN; a SYN,ACK has those that the SYN had. */
function emitSynOptions(tcp: Tcp, connection: Connection, memory: Memory, at: number): number {
  const { neighbour, version, maxSegmentSize, tsOffset, tsRecent, rcvScale } = connection;
  return writeSynOptions(
    memory,
    at,
    toldMss(neighbour, version, maxSegmentSize),
    connection.timestamps,
    (tcp.host.time.ms + tsOffset) | 0,
    tsRecent,
    connection.sackPermitted,
    rcvScale > 0 ? rcvScale : -1,
  );
}
