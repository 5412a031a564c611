/**
 * What Linux's `TCP_INFO` tells of a connection (`linux/tcp.h`), from ours.
 *
 * @module
 */

import type { Connection } from "../../../libos/inetstack/tcp/connection.ts";
import { currentRto } from "../../../libos/inetstack/tcp/rtt.ts";
import { RECORD } from "../../../libos/inetstack/tcp/scoreboard.ts";
import { before } from "../../../libos/inetstack/tcp/sequence.ts";
import { named } from "./values.ts";
import { toldMss } from "../../../libos/inetstack/tcp/emit.ts";
import { STATE_NAMES } from "../../../libos/inetstack/tcp/state.ts";
import type { System } from "./system.ts";

const STATES: Readonly<Record<string, string>> = {
  "CLOSED": "TCP_CLOSE",
  "SYN-RECEIVED": "TCP_SYN_RECV",
  "FIN-WAIT-1": "TCP_FIN_WAIT1",
  "FIN-WAIT-2": "TCP_FIN_WAIT2",
};

/** The value of a field; undefined for one that is not known, or where there is no connection. */
export function tcpInfo(name: string, system: System): number | undefined {
  const connection = system.current?.connection;
  if (connection === null || connection === undefined) {
    if (name !== "tcpi_state") return undefined;
    return named(system.current?.listening ? "TCP_LISTEN" : "TCP_CLOSE");
  }
  const { localPort, remotePort } = connection;
  const segments = system.host.segments.get(`${localPort} ${remotePort}`)!;
  if (name === "tcpi_segs_in") return segments.came;
  if (name === "tcpi_segs_out") return segments.went;
  return FIELDS[name]?.(connection);
}

/** How many records of the scoreboard are of a kind. */
function count(
  { scoreboard }: Connection,
  is: (state: number) => boolean,
): number {
  if (scoreboard === null) return 0;
  let found = 0;
  for (let i = scoreboard.first; i < scoreboard.last; i++) if (is(scoreboard.stateOf(i))) found++;
  return found;
}

/** Whether a segment that was lost is not known to have arrived, sent again or not. */
function isLost(state: number): boolean {
  if ((state & RECORD.SACKED) !== 0) return false;
  return (state & (RECORD.LOST | RECORD.RETRANSMITTED)) !== 0;
}

/** Linux's states of congestion control: Open, Disorder, CWR, Recovery, Loss. */
function congestionState(connection: Connection): number {
  if (connection.retransmits > 0 || connection.afterTimeout) return 4;
  if (connection.recovering) return 3;
  if (before(connection.sndUna, connection.congestionEnd)) return 2;
  const told = connection.duplicateAcks > 0 ||
    count(connection, (state) => (state & RECORD.SACKED) !== 0) > 0;
  return told ? 1 : 0;
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
  tcpi_advmss: ({ neighbour, version, maxSegmentSize, timestamps }) =>
    toldMss(neighbour, version, maxSegmentSize) - (timestamps ? 12 : 0),
  tcpi_pmtu: ({ pathMtu }) => pathMtu,
  tcpi_unacked: ({ sndMax, sndUna, mss }) => segments((sndMax - sndUna) | 0, mss),
  tcpi_ca_state: congestionState,
  tcpi_sacked: (connection) => count(connection, (state) => (state & RECORD.SACKED) !== 0),
  tcpi_lost: (connection) => count(connection, isLost),
  tcpi_retrans: (connection) =>
    count(connection, (state) => isLost(state) && (state & RECORD.LOST) === 0),
  // So many duplicates tell that a segment is lost (RFC 6675, section 2, DupThresh).
  tcpi_reordering: () => 3,
  tcpi_notsent_bytes: ({ sendBuffer, sndNxt }) => Math.max(0, (sendBuffer.end - sndNxt) | 0),
  tcpi_rtt: ({ srtt }) => srtt,
  tcpi_rttvar: ({ rttvar }) => rttvar,
  tcpi_rto: (connection) => currentRto(connection) * 1000,
  tcpi_backoff: ({ retransmits }) => retransmits,
  tcpi_retransmits: ({ retransmits }) => retransmits,
  tcpi_probes: ({ probing, retransmits }) => probing ? retransmits : 0,
  // The SYN counts, too.
  tcpi_delivered: (connection) =>
    1 + segments((connection.sndUna - connection.iss - 1) | 0, connection.mss) +
    count(connection, (state) => (state & RECORD.SACKED) !== 0),
  tcpi_total_retrans: ({ retransmitted }) => retransmitted,
  tcpi_bytes_acked: ({ sndUna, iss }) => Math.max(0, (sndUna - iss - 1) | 0),
  tcpi_bytes_received: ({ rcvNxt, irs, finReceived }) =>
    Math.max(0, (rcvNxt - irs - 1 - (finReceived ? 1 : 0)) | 0),
  tcpi_snd_wnd: ({ sndWnd }) => sndWnd,
  tcpi_rcv_wnd: ({ rcvWnd }) => rcvWnd,
  tcpi_snd_wscale: ({ sndScale }) => sndScale,
  tcpi_rcv_wscale: ({ rcvScale }) => rcvScale,
  tcpi_options: ({ timestamps, sackPermitted, rcvScale, sndScale, ecn }) =>
    (timestamps ? 1 : 0) | (sackPermitted ? 2 : 0) | (rcvScale > 0 || sndScale > 0 ? 4 : 0) |
    (ecn ? 8 : 0),
};
