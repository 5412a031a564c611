/**
 * The largest packet that the way takes (RFC 1191, RFC 8201): what routers say of it, and what silence tells where they say
 * nothing (RFC 4821 in the small: smaller segments are tried; larger ones are not).
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { ahead } from "./sequence.ts";
import { LEAST_MTU } from "../ip/path_mtu.ts";
import { repeatAll } from "./sack_recovery.ts";
import { setMss } from "./input.ts";
import { STATE } from "./state.ts";
import type { Tcp } from "./tcp.ts";

/** What is tried when large segments vanish: what tunnels leave, and then the least. */
const TRIED = 1280;
/** So many timeouts in a row are no coincidence. */
const PATIENCE = 3;

/** A router says that a packet of the connection was too big, and what would not be. */
export function takeTooBig(tcp: Tcp, connection: Connection, mtu: number): void {
  const wanted = Math.max(mtu, LEAST_MTU[connection.version]);
  if (wanted >= connection.pathMtu || connection.state < STATE.ESTABLISHED) return;
  if (wanted < connection.provenMtu) {
    // Larger ones have arrived. Who says so may be anybody, and is believed if they do not any more (RFC 5927, section 7.2).
    connection.claimedMtu = wanted;
    return;
  }
  believe(tcp, connection, wanted);
  // What was lost is sent again, and no congestion is to be blamed (RFC 8201, section 4).
  connection.timing = false;
  if (connection.sackPermitted) repeatAll(tcp, connection);
  else connection.sndNxt = connection.sndUna;
  tcp.want(connection);
}

/** The retransmission timer expired so often in a row: segments that are too big may be why. */
export function suspectPath(tcp: Tcp, connection: Connection, timeouts: number): void {
  const { claimedMtu, pathMtu, version, mss, sendBuffer, sndUna } = connection;
  if (claimedMtu !== 0) {
    connection.claimedMtu = 0;
    if (claimedMtu < pathMtu) believe(tcp, connection, claimedMtu);
    return;
  }
  if (timeouts < PATIENCE || ahead(sendBuffer.end, sndUna) < mss) return;
  if (pathMtu > TRIED) shrink(tcp, connection, TRIED);
  else if (pathMtu > LEAST_MTU[version]) shrink(tcp, connection, LEAST_MTU[version]);
}

/** A segment of full size has arrived. */
export function provePath(connection: Connection, acked: number): void {
  if (acked < connection.mss) return;
  connection.provenMtu = connection.pathMtu;
  connection.claimedMtu = 0;
}

/** What a router said is true, and good to know for others, too. What silence tells may be of an outage, and is kept here. */
function believe(tcp: Tcp, connection: Connection, mtu: number): void {
  tcp.output.paths.learn(connection.remote, mtu);
  shrink(tcp, connection, mtu);
}

function shrink(tcp: Tcp, connection: Connection, mtu: number): void {
  connection.pathMtu = mtu;
  connection.provenMtu = 0;
  tcp.host.counters.tcpPathShrinks++;
  setMss(connection);
}
