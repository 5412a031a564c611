/**
 * The round-trip time, and the retransmission timeout (RFC 6298).
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { Time } from "../time.ts";
import { before } from "./sequence.ts";

/** RTO before anything was measured, after a SYN that had to be sent again (rule 5.7), in milliseconds. */
export const INITIAL_RTO_AFTER_LOSS = 3000;
/**
 * What is waited beyond the round-trip time at least: rule 2.4 says a second in all; all of today's stacks have less, and this
 * is Linux's. So a peer may put an acknowledgment off, and the tail may be probed, before it is a timeout.
 */
export const LEAST_RTO = 200;
/** The most (rule 2.5). */
export const MOST_RTO = 60_000;

/** Begins to time a byte that is sent for the first time, unless one is timed already. */
export function startTiming(connection: Connection, seq: number, time: Time): void {
  if (connection.timing) return;
  connection.timing = true;
  connection.timedSeq = seq;
  connection.timedAt = time.us;
}

/** Something is sent again: whose acknowledgment comes then is not known (Karn's algorithm, section 3). */
export function stopTiming(connection: Connection): void {
  connection.timing = false;
}

/** What was acknowledged up to `ack` may tell the round-trip time. */
export function measure(connection: Connection, ack: number, time: Time): void {
  if (!connection.timing || !before(connection.timedSeq, ack)) return;
  connection.timing = false;
  sample(connection, (time.us - connection.timedAt) | 0);
}

/** Takes a sample in microseconds (rules 2.2 and 2.3). */
export function sample(connection: Connection, rtt: number): void {
  const measured = Math.max(rtt, 1);
  if (connection.srtt === 0) {
    connection.srtt = measured;
    connection.rttvar = measured >> 1;
  } else {
    const error = measured - connection.srtt;
    connection.rttvar += (Math.abs(error) - connection.rttvar) >> 2;
    connection.srtt = Math.max(1, connection.srtt + (error >> 3));
  }
  // On a fast network it is the least one, and nothing has to be divided.
  connection.rto = connection.srtt < 1000 && connection.rttvar <= 250 * LEAST_RTO
    ? LEAST_RTO
    : timeoutOf(connection);
}

function timeoutOf({ srtt, rttvar }: Connection): number {
  return Math.min((srtt + Math.max(1000 * LEAST_RTO, 4 * rttvar)) / 1000, MOST_RTO) | 0;
}

/** The timeout to wait now: twice as long for each one that passed in vain (rule 5.5). */
export function currentRto({ rto, retransmits }: Connection): number {
  return retransmits === 0 ? rto : Math.min(rto << Math.min(retransmits, 12), MOST_RTO);
}
