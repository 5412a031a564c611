/**
 * A connection from inside, for those who want to know why it is slow.
 *
 * @module
 */

import type { Connection } from "../tcp/connection.ts";
import type { ConnectionStatistics } from "../../pdpix.ts";
import { ahead } from "../tcp/sequence.ts";
import { currentRto } from "../tcp/rtt.ts";
import { NO_THRESHOLD } from "../tcp/congestion/hystart.ts";
import { STATE_NAMES } from "../tcp/state.ts";
import { writeEndpoint } from "./endpoint.ts";

/** What {@linkcode LibOS.statistics} tells of a connection. */
export function statisticsOf(connection: Connection): ConnectionStatistics {
  const { sendBuffer, receiveBuffer, sndUna, sndMax, ssthresh, finSent } = connection;
  return {
    local: writeEndpoint(connection.local, connection.localPort),
    remote: writeEndpoint(connection.remote, connection.remotePort),
    state: STATE_NAMES[connection.state]!,
    rtt: connection.srtt / 1000,
    rttVariance: connection.rttvar / 1000,
    rto: currentRto(connection),
    congestion: connection.congestion.name,
    congestionWindow: connection.cwnd,
    slowStartThreshold: ssthresh >= NO_THRESHOLD ? Infinity : ssthresh,
    mss: connection.mss,
    inFlight: ahead(sndMax, sndUna),
    // A FIN that was acknowledged is beyond the last byte.
    sendQueue: finSent && sndUna === sndMax ? 0 : Math.max(0, ahead(sendBuffer.end, sndUna)),
    receiveQueue: receiveBuffer.available,
    outOfOrder: receiveBuffer.outOfOrder,
    sendWindow: connection.sndWnd,
    receiveWindow: connection.rcvWnd,
    retransmitted: connection.retransmitted,
    timestamps: connection.timestamps,
    selectiveAcknowledgments: connection.sackPermitted,
  };
}
