/**
 * Segments that come to no connection (RFC 9293, sections 3.10.7.1 and 3.10.7.2): a SYN may begin one, the rest is reset.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { emitResetFor } from "./emit.ts";
import { takeFirstWindow, takeSyn } from "./input.ts";
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
  const port = swap16(ports >>> 16);
  const listener = (flags & (FLAG.SYN | FLAG.ACK)) === FLAG.SYN
    ? tcp.listeners.find(packet, port)
    : null;
  if (listener === null) return emitResetFor(tcp, packet, segment);
  const { counters } = tcp.host;
  if (!listener.hasRoom || tcp.halfOpen >= BOUNDS.SYN_RECEIVED) {
    counters.tcpListenDrops++;
    return;
  }
  const { source, destination } = packet;
  const neighbour = tcp.output.route(source);
  const remotePort = swap16(ports & 0xffff);
  // Nobody has port 0, nor is it a connection with itself.
  if (neighbour === null || remotePort === 0) return;
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
  counters.tcpPassiveOpens++;
  takeSyn(tcp, connection, segment);
  takeFirstWindow(connection, segment);
  output(tcp, connection);
}
