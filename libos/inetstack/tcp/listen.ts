/**
 * Segments that come to no connection (RFC 9293, sections 3.10.7.1 and 3.10.7.2): a SYN may begin one, the rest is reset.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { emitResetFor } from "./emit.ts";
import { arrive, takeFirstWindow, takeSyn } from "./input.ts";
import type { Connection } from "./connection.ts";
import type { Listener } from "./listener.ts";
import { readCookie, recall, sendCookie } from "./syn_cookie.ts";
import { makeConnection } from "./open.ts";
import { output } from "./output.ts";
import type { Packet } from "../ip/packet.ts";
import type { Segment } from "./segment.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { swap16 } from "../wire/byte_order.ts";
import { FLAG } from "../wire/tcp.ts";

/** A segment came to no connection; `ports` are its ports as they lie in it. */
export function arriveInListen(tcp: Tcp, packet: Packet, segment: Segment, ports: number): void {
  const { flags } = segment;
  if ((flags & FLAG.RST) !== 0) return;
  const first = flags & (FLAG.SYN | FLAG.ACK);
  const isText = first === 0 && segment.length > 0 && (flags & FLAG.FIN) === 0;
  const listener = first === (FLAG.SYN | FLAG.ACK) || isText
    ? null
    : tcp.listeners.find(packet, swap16(ports >>> 16));
  if (listener === null) emitResetFor(tcp, packet, segment);
  // Fourth: anything else is dropped (section 3.10.7.2). To text alone a listener is nobody, as in upstream Demikernel.
  else if (first === 0) return;
  else if (first === FLAG.SYN) takeOpen(tcp, listener, packet, segment, ports);
  else takeAnswer(tcp, listener, packet, segment, ports);
}

/** A SYN came to a listener. */
function takeOpen(
  tcp: Tcp,
  listener: Listener,
  packet: Packet,
  segment: Segment,
  ports: number,
): void {
  // Whom nobody accepts, or whose bytes nobody takes, is not let in; who only knocks does not keep others out.
  if (listener.isFull || tcp.isFull) {
    tcp.host.counters.tcpListenDrops++;
  } else if (!listener.hasRoom || tcp.halfOpen >= BOUNDS.SYN_RECEIVED) {
    sendCookie(tcp, packet, segment, ports, listener);
  } else {
    const connection = makeHalfOpen(tcp, listener, packet, ports);
    if (connection === null) return;
    takeSyn(tcp, connection, segment);
    takeFirstWindow(connection, segment);
    output(tcp, connection);
  }
}

/** An acknowledgment came to a listener: it may be of a SYN,ACK that was forgotten. */
function takeAnswer(
  tcp: Tcp,
  listener: Listener,
  packet: Packet,
  segment: Segment,
  ports: number,
): void {
  const mss = readCookie(tcp, packet, segment, ports);
  if (mss === 0) return emitResetFor(tcp, packet, segment);
  if (listener.isFull || tcp.isFull) {
    tcp.host.counters.tcpListenDrops++;
    return;
  }
  const connection = makeHalfOpen(tcp, listener, packet, ports);
  if (connection === null) return;
  tcp.host.counters.tcpCookiesTaken++;
  recall(tcp, connection, segment, mss);
  arrive(tcp, connection, packet, segment);
  if (connection.events !== 0) tcp.tell(connection);
}

/** Makes a connection in SYN-RECEIVED; null if the peer cannot be. */
function makeHalfOpen(
  tcp: Tcp,
  listener: Listener,
  packet: Packet,
  ports: number,
): Connection | null {
  const { source, destination } = packet;
  const neighbour = tcp.output.route(source);
  const port = swap16(ports >>> 16);
  const remotePort = swap16(ports & 0xffff);
  // Nobody has port 0, and a listener does not connect to itself: it would answer its own answers.
  const isItself = remotePort === port && source.equals(destination);
  if (neighbour === null || remotePort === 0 || isItself) return null;
  const connection = makeConnection(
    tcp,
    destination,
    port,
    source,
    remotePort,
    neighbour,
    listener,
  );
  connection.listener = listener;
  connection.state = STATE.SYN_RECEIVED;
  listener.halfOpen++;
  tcp.halfOpen++;
  tcp.host.counters.tcpPassiveOpens++;
  return connection;
}
