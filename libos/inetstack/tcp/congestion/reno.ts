/**
 * Reno (RFC 5681): slow start and congestion avoidance, counted in bytes (RFC 3465).
 *
 * @module
 */

import type { Connection } from "../connection.ts";
import type { CongestionControl } from "./congestion.ts";

/** Segments of the initial window, and what it is bounded by (RFC 6928, section 2). */
const INITIAL_SEGMENTS = 10;
const INITIAL_BYTES = 14_600;
/** How many segments the window grows by for one acknowledgment in slow start (L of RFC 3465, section 2.3). */
const LIMIT = 2;
/** No window grows beyond that. */
const MOST = 1 << 30;

/** See the module's description. */
export const RENO: CongestionControl = Object.freeze({
  name: "reno",

  begin(connection: Connection): void {
    const { mss } = connection;
    connection.cwnd = Math.min(INITIAL_SEGMENTS * mss, Math.max(2 * mss, INITIAL_BYTES));
  },

  acknowledged(connection: Connection, bytes: number): void {
    const { mss, cwnd, ssthresh } = connection;
    // A window that was not used tells nothing of the way (RFC 7661, section 4).
    if (!connection.cwndLimited || cwnd >= MOST) return;
    if (cwnd < ssthresh) {
      connection.cwnd = cwnd + Math.min(bytes, LIMIT * mss);
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
    // FlightSize is everything under way, and not what was sent since a timeout (section 4).
    const flight = (connection.sndMax - connection.sndUna) | 0;
    return Math.max(flight >> 1, 2 * connection.mss);
  },
});
