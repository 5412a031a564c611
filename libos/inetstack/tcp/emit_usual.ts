/**
 * The usual segment out, what header prediction is for segments in: text or an acknowledgment, by IPv4, with timestamps and
 * no other option. Its headers have one form, so they are written and summed in one go; {@linkcode emit} would write the same
 * in more steps.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { TIMER } from "./connection.ts";
import { fold } from "../../runtime/memory/memory.ts";
import type { Tcp } from "./tcp.ts";
import { offerWindow } from "./window.ts";
import { halves, swap16, swap32 } from "../wire/byte_order.ts";
import { emitTcpIpv4, IPV4 } from "../wire/ipv4.ts";
import { TCP, TIMESTAMPS_HEAD, TIMESTAMPS_SIZE } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const IPV4_SIZE: number = IPV4.SIZE;
const HEADER: number = TCP.SIZE + TIMESTAMPS_SIZE;
const TIMESTAMPS: number = TIMESTAMPS_HEAD;
const TIMESTAMPS_SUM: number = halves(TIMESTAMPS_HEAD);
const { DELAYED_ACK } = TIMER;

/** Whether a segment of a connection that is no SYN is a usual one. */
export function isUsual(connection: Connection): boolean {
  return connection.timestamps && connection.version === 4 && !connection.ecn &&
    connection.duplicateFrom === connection.duplicateTo &&
    connection.receiveBuffer.outOfOrder === 0 && !connection.neighbour.iface.device.fillsChecksums;
}

/** As {@linkcode emit}, of a usual segment; its flags have ACK. */
export function emitUsual(
  tcp: Tcp,
  connection: Connection,
  seq: number,
  length: number,
  flags: number,
): boolean {
  const { neighbour, portsOut, pseudo } = connection;
  const { iface } = neighbour;
  const frame = iface.reserve();
  if (frame < 0) {
    tcp.want(connection);
    return false;
  }
  const memory = iface.sendMemory;
  const { i32 } = memory;
  const ip = frame + iface.header;
  const at = ip + IPV4_SIZE;
  const word = at >> 2;
  const size = HEADER + length;
  const text = length > 0 ? connection.sendBuffer.copy(seq, length, memory, at + HEADER) : 0;
  const { host } = tcp;
  const second = swap32(seq);
  const third = swap32(connection.rcvNxt);
  const fourth = HEADER << 2 | flags << 8 | swap16(offerWindow(connection)) << 16;
  const stamp = swap32((host.time.ms + connection.tsOffset) | 0);
  const echo = swap32(connection.tsRecent);
  const sum = text + pseudo + swap16(size) + halves(portsOut) + halves(second) + halves(third) +
    halves(fourth) + TIMESTAMPS_SUM + halves(stamp) + halves(echo);
  i32[word] = portsOut;
  i32[word + 1] = second;
  i32[word + 2] = third;
  i32[word + 3] = fourth;
  i32[word + 4] = fold(sum) ^ 0xffff;
  i32[word + 5] = TIMESTAMPS;
  i32[word + 6] = stamp;
  i32[word + 7] = echo;
  emitTcpIpv4(i32, ip >> 2, IPV4_SIZE + size, pseudo, connection.localWord, connection.remoteWord);
  const { counters } = host;
  counters.tcpSent++;
  counters.ipSent++;
  noteAcknowledged(connection, length);
  neighbour.send(frame, IPV4_SIZE + size);
  return true;
}

/** A segment that acknowledges all that came is on its way, with so much text. */
export function noteAcknowledged(connection: Connection, length: number): void {
  connection.ackNow = false;
  connection.unacknowledged = 0;
  if (length > 0 && connection.rcvNxt !== connection.answered) {
    // It is a dialogue: the next acknowledgment may ride on the next answer.
    connection.answered = connection.rcvNxt;
    connection.quickAcks = 0;
  }
  connection.armed &= ~DELAYED_ACK;
  connection.lastAckSent = connection.rcvNxt;
}
