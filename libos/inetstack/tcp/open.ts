/**
 * Opening: what a connection begins with, and the active open (RFC 9293, section 3.9.1).
 *
 * @module
 */

import type { CongestionControl } from "./congestion/congestion.ts";
import { Connection, type ConnectionUser, DEFAULT_MSS } from "./connection.ts";
import { connectionHash, initialSequence } from "./isn.ts";
import { Errno } from "../../error.ts";
import { pseudoOf } from "./emit.ts";
import type { IpAddress } from "../ip_address.ts";
import type { LocalPorts } from "./local_ports.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import { output } from "./output.ts";
import { DEFAULT_ALGORITHM } from "./congestion/algorithms.ts";
import { scaleFor } from "./window.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { swap16 } from "../wire/byte_order.ts";

/** How a connection is begun. */
export interface ConnectOptions {
  /** Bytes that it holds until they are taken. */
  readonly receiveLimit: number;
  /** Bytes that it keeps until they are acknowledged. */
  readonly sendLimit: number;
  /** Bytes of payload that a segment of it has at most, with its options; 0 or nothing for no limit. */
  readonly maxSegmentSize?: number;
  /** How its window grows and shrinks; CUBIC by default. */
  readonly congestion?: CongestionControl;
}

/** Begins to connect; see {@linkcode Tcp.connect}. */
export function connect(
  tcp: Tcp,
  ports: LocalPorts,
  local: IpAddress | null,
  localPort: number,
  remote: IpAddress,
  remotePort: number,
  user: ConnectionUser,
  options: ConnectOptions,
): Connection | number {
  // There are no connections with groups.
  if (remote.isMulticast || tcp.output.addressing.isBroadcast(remote)) return Errno.ENETUNREACH;
  const neighbour = tcp.output.route(remote);
  if (neighbour === null) return Errno.ENETUNREACH;
  const own = local === null || local.isUnspecified
    ? tcp.output.addressing.sourceFor(remote, neighbour.address)
    : local;
  if (own === null) return Errno.EADDRNOTAVAIL;
  const port = localPort || ports.chooseFor(own, remote, remotePort);
  if (port === 0) return Errno.EADDRNOTAVAIL;
  const old = tcp.table.lookup(own, port, remote, remotePort);
  if (old !== null) {
    if (old.state !== STATE.TIME_WAIT) return Errno.EADDRINUSE;
    // Its timestamps or numbers go on where it ended (RFC 6191).
    tcp.remove(old);
  }
  const connection = makeConnection(tcp, own, port, remote, remotePort, neighbour, options);
  connection.user = user;
  connection.state = STATE.SYN_SENT;
  tcp.host.counters.tcpActiveOpens++;
  output(tcp, connection);
  return connection;
}

/** Makes a connection, which the table knows from now on. */
export function makeConnection(
  tcp: Tcp,
  local: IpAddress,
  localPort: number,
  remote: IpAddress,
  remotePort: number,
  neighbour: Neighbour,
  options: ConnectOptions,
): Connection {
  const portsIn = swap16(remotePort) | swap16(localPort) << 16;
  const portsOut = portsIn << 16 | portsIn >>> 16;
  const connection = new Connection(
    local,
    localPort,
    remote,
    remotePort,
    neighbour,
    portsIn,
    portsOut,
    pseudoOf(local, remote),
    tcp.pool,
    options.congestion ?? DEFAULT_ALGORITHM,
  );
  const iss = initialSequence(tcp.key, tcp.host.time, local, remote, portsOut);
  connection.iss =
    connection.sndUna =
    connection.sndNxt =
    connection.sndMax =
      iss;
  connection.sendBuffer.reset((iss + 1) | 0);
  connection.recover =
    connection.smallEnd =
    connection.duplicateRound =
    connection.congestionEnd =
    connection.limitedEnd =
      iss;
  connection.receiveLimit = options.receiveLimit;
  connection.sendLimit = options.sendLimit;
  // What is offered; the SYN of the peer says what it becomes.
  connection.rcvScale = tcp.offersWindowScale ? scaleFor(options.receiveLimit) : 0;
  connection.timestamps = tcp.offersTimestamps;
  connection.sackPermitted = tcp.offersSack;
  connection.tsOffset = connectionHash(tcp.key, remote, local, portsOut);
  connection.heardAt = tcp.host.time.ms;
  connection.mss = DEFAULT_MSS;
  connection.maxSegmentSize = options.maxSegmentSize ?? 0;
  connection.pathMtu = tcp.output.paths.of(remote, neighbour.iface.device.mtu);
  neighbour.users++;
  tcp.table.add(connection);
  return connection;
}
