/**
 * Tail loss probes (RFC 8985, section 7): when the last segments of a burst are lost, nothing behind them tells so. Then
 * something is sent after two round trips, whose acknowledgment does, long before the retransmission timeout.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import { LOSS } from "./connection.ts";
import { retransmitLast, sendOne } from "./output.ts";
import { currentRto } from "./rtt.ts";
import { before } from "./sequence.ts";
import type { Segment } from "./segment.ts";
import type { Tcp } from "./tcp.ts";
import { untilTooLong } from "./user_timeout.ts";

/** The least time to wait for a probe in milliseconds: what the timers of the stack can tell apart. */
const LEAST_PROBE_TIMEOUT = 2;

/**
 * How long to wait for an acknowledgment, in milliseconds, and until what: the probe, where one can be sent before the
 * timeout. One segment alone has none, since the peer may put its acknowledgment off for longer than the timeout
 * (TLP_calc_PTO: WCDelAckT is 200 ms).
 */
export function lossTimeout(connection: Connection, now: number): number {
  const { scoreboard, srtt } = connection;
  const timeout = untilTooLong(connection, currentRto(connection), now);
  connection.lossTimer = LOSS.TIMEOUT;
  if (
    scoreboard === null || scoreboard.last - scoreboard.first < 2 || srtt === 0 ||
    connection.recovering || connection.tailProbe || connection.retransmits > 0 ||
    scoreboard.sackedBytes > 0
  ) {
    return timeout;
  }
  const probe = Math.max(LEAST_PROBE_TIMEOUT, Math.ceil(srtt / 500));
  if (probe >= timeout) return timeout;
  connection.lossTimer = LOSS.TAIL;
  return probe;
}

/** It is time to probe (TLP_send_probe): with what was not sent yet, or the last segment once more. */
export function probeTail(tcp: Tcp, connection: Connection): void {
  const fresh = sendOne(tcp, connection);
  if (!fresh) retransmitLast(tcp, connection);
  connection.tailProbe = true;
  connection.tailProbeRepeats = !fresh;
  connection.tailProbeEnd = connection.sndMax;
  // The next acknowledgments are looked at in full.
  connection.duplicateAcks = Math.max(connection.duplicateAcks, 1);
}

/** An acknowledgment came while a probe is out: says whether the probe has repaired a loss (TLP_process_ack). */
export function endTailProbe(connection: Connection, segment: Segment, acked: number): boolean {
  const { tailProbeEnd } = connection;
  if (!connection.tailProbe || before(segment.ack, tailProbeEnd)) return false;
  if (!connection.tailProbeRepeats) {
    connection.tailProbe = false;
    return false;
  }
  const repaired = before(tailProbeEnd, segment.ack);
  // An acknowledgment that tells nothing new is of the second copy: the first one was not lost.
  if (repaired || (acked === 0 && segment.sackBlocks === 0)) connection.tailProbe = false;
  return repaired;
}
