/**
 * Reno (RFC 5681): slow start and congestion avoidance, counted in bytes (RFC 3465).
 *
 * @module
 */

import type { Connection } from "../connection.ts";
import { type CongestionControl, flightSize, mayGrow } from "./congestion.ts";

/** How many segments the window grows by for one acknowledgment in slow start (L of RFC 3465, section 2.3). */
const LIMIT = 2;

/** See the module's description. */
export const RENO: CongestionControl = Object.freeze({
  name: "reno",

  acknowledged(connection: Connection, bytes: number): void {
    const { mss, cwnd, ssthresh } = connection;
    if (!mayGrow(connection)) return;
    if (cwnd < ssthresh) {
      // After a timeout an acknowledgment may be of what arrived long ago: then it counts for one segment.
      connection.cwnd = cwnd + Math.min(bytes, connection.afterTimeout ? mss : LIMIT * mss);
      return;
    }
    connection.acked += bytes;
    if (connection.acked >= cwnd) {
      connection.acked -= cwnd;
      connection.cwnd = cwnd + mss;
    }
  },

  reduced(connection: Connection): number {
    connection.acked = 0;
    return Math.max(flightSize(connection) >> 1, 2 * connection.mss);
  },

  paused(connection: Connection): void {
    connection.acked = 0;
  },
});
