/**
 * What the network tells of a connection: errors of ICMP (RFC 1122, section 4.2.3.9; RFC 5927), packets that were too big
 * for the way, neighbours that do not answer.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { Errno } from "../../error.ts";
import type { IcmpError } from "../icmp/icmp_error.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import { before } from "./sequence.ts";
import { takeTooBig } from "./path_mtu.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";
import { swap32 } from "../wire/byte_order.ts";
import { TCP } from "../wire/tcp.ts";

/** An error came that quotes a segment of a connection, which may be null. */
export function takeError(tcp: Tcp, connection: Connection | null, error: IcmpError): void {
  const { memory, payload } = error;
  if (connection === null || connection.state === STATE.TIME_WAIT) return;
  const sent = swap32(memory!.i32[(payload + TCP.SEQUENCE) >> 2]!);
  // Who does not know what is under way has not seen it (RFC 5927, section 4.1).
  if (before(sent, connection.sndUna) || !before(sent, connection.sndMax)) return;
  if (error.errno === 0) return takeTooBig(tcp, connection, error.mtu);
  connection.softError = error.errno;
  if (connection.state === STATE.SYN_SENT) {
    tcp.fail(connection, error.errno);
    tcp.tell(connection);
  } else if (connection.state === STATE.SYN_RECEIVED && connection.listener !== null) {
    // Nobody has it yet, and the SYN,ACK does not arrive (RFC 5461, section 4.1).
    tcp.remove(connection);
  }
}

/** A neighbour did not answer: who is connecting through it learns that, the others go on trying. */
export function takeUnreachable(tcp: Tcp, neighbour: Neighbour): void {
  for (const connection of [...tcp]) {
    if (connection.neighbour !== neighbour) continue;
    connection.softError = Errno.EHOSTUNREACH;
    if (connection.state !== STATE.SYN_SENT) continue;
    tcp.fail(connection, Errno.EHOSTUNREACH);
    tcp.tell(connection);
  }
}
