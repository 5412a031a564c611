/**
 * What Linux's `TCP_INFO` tells of a connection (`linux/tcp.h`), from ours.
 *
 * @module
 */

import type { Connection } from "../../../libos/inetstack/tcp/connection.ts";
import { currentRto } from "../../../libos/inetstack/tcp/rtt.ts";
import { named } from "./values.ts";
import { ownMss } from "../../../libos/inetstack/tcp/emit.ts";
import { STATE_NAMES } from "../../../libos/inetstack/tcp/state.ts";
import type { System } from "./calls.ts";

const STATES: Readonly<Record<string, string>> = {
  "CLOSED": "TCP_CLOSE",
  "SYN-RECEIVED": "TCP_SYN_RECV",
  "FIN-WAIT-1": "TCP_FIN_WAIT1",
  "FIN-WAIT-2": "TCP_FIN_WAIT2",
};

/** The value of a field; undefined for one that is not known, or where there is no connection. */
export function tcpInfo(name: string, system: System): number | undefined {
  const connection = system.current?.connection;
  if (connection === null || connection === undefined) return name === "tcpi_state" ? 7 : undefined;
  return FIELDS[name]?.(connection);
}

function segments(bytes: number, mss: number): number {
  return Math.ceil(bytes / mss);
}

const FIELDS: Readonly<Record<string, (connection: Connection) => number>> = {
  tcpi_state: ({ state }) => {
    const name = STATE_NAMES[state]!;
    return named(STATES[name] ?? `TCP_${name.replaceAll("-", "_")}`)!;
  },
  tcpi_snd_cwnd: ({ cwnd, mss }) => Math.floor(cwnd / mss),
  tcpi_snd_ssthresh: ({ ssthresh, mss }) =>
    ssthresh >= 0x3fffffff ? 0x7fffffff : Math.floor(ssthresh / mss),
  tcpi_snd_mss: ({ mss }) => mss,
  tcpi_rcv_mss: ({ rcvMss }) => rcvMss,
  tcpi_advmss: ({ neighbour, version, timestamps }) =>
    ownMss(neighbour, version) - (timestamps ? 12 : 0),
  tcpi_pmtu: ({ pathMtu, neighbour }) => pathMtu || neighbour.iface.device.mtu,
  tcpi_unacked: ({ sndMax, sndUna, mss }) => segments((sndMax - sndUna) | 0, mss),
  tcpi_notsent_bytes: ({ sendBuffer, sndNxt }) => Math.max(0, (sendBuffer.end - sndNxt) | 0),
  tcpi_rtt: ({ srtt }) => srtt,
  tcpi_rttvar: ({ rttvar }) => rttvar,
  tcpi_rto: (connection) => currentRto(connection) * 1000,
  tcpi_backoff: ({ retransmits }) => retransmits,
  tcpi_retransmits: ({ retransmits }) => retransmits,
  tcpi_probes: ({ probing, retransmits }) => probing ? retransmits : 0,
  tcpi_total_retrans: ({ retransmitted }) => retransmitted,
  tcpi_bytes_acked: ({ sndUna, iss }) => Math.max(0, (sndUna - iss - 1) | 0),
  tcpi_bytes_received: ({ rcvNxt, irs, finReceived }) =>
    Math.max(0, (rcvNxt - irs - 1 - (finReceived ? 1 : 0)) | 0),
  tcpi_snd_wnd: ({ sndWnd }) => sndWnd,
  tcpi_rcv_wnd: ({ rcvWnd }) => rcvWnd,
  tcpi_snd_wscale: ({ sndScale }) => sndScale,
  tcpi_rcv_wscale: ({ rcvScale }) => rcvScale,
  tcpi_options: ({ timestamps, sackPermitted, rcvScale, sndScale }) =>
    (timestamps ? 1 : 0) | (sackPermitted ? 2 : 0) | (rcvScale > 0 || sndScale > 0 ? 4 : 0),
};
