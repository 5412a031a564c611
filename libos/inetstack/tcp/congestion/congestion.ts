/**
 * What an algorithm of congestion control decides: how the window grows, and to what it shrinks.
 *
 * When something was lost, and what is sent again, is decided elsewhere (`recovery.ts`, `sack_recovery.ts`); so algorithms and
 * ways of recovery can be combined.
 *
 * @module
 */

import { before } from "../sequence.ts";
import type { Connection } from "../connection.ts";
import type { Time } from "../../time.ts";

/** An algorithm; what it has to remember is in the connection. */
export interface CongestionControl {
  /** Its name, as `statistics` tells it. */
  readonly name: "cubic" | "reno";
  /** So many new bytes were acknowledged, outside of a recovery. */
  acknowledged(connection: Connection, bytes: number, time: Time): void;
  /** Something was lost, and nothing was acknowledged for too long if `timeout`: gives the new ssthresh. */
  reduced(connection: Connection, timeout: boolean): number;
  /** Nothing was sent for a while. */
  paused(connection: Connection): void;
}

/** Segments of the initial window, and what it is bounded by (RFC 6928, section 2). */
const INITIAL_SEGMENTS = 10;
const INITIAL_BYTES = 14_600;
/** No window grows beyond that. */
const MOST_WINDOW = 1 << 30;

/** The initial window (RFC 6928, section 2), which is the restart window, too (RFC 5681, section 4.1). */
export function initialWindow({ mss }: Connection): number {
  return Math.min(INITIAL_SEGMENTS * mss, Math.max(2 * mss, INITIAL_BYTES));
}

/**
 * Whether the window may grow: one that was not used tells nothing of the way (RFC 7661, section 4). What counts is the window
 * that is acknowledged now, and not the last burst.
 */
export function mayGrow(
  { cwndLimited, limitedEnd, sndUna, sndMax, cwnd }: Connection,
): boolean {
  const used = cwndLimited || (!before(limitedEnd, sndUna) && !before(sndMax, limitedEnd));
  return used && cwnd < MOST_WINDOW;
}

/**
 * FlightSize: everything under way, and not what was sent since a timeout (RFC 5681, section 4). Where a burst of
 * acknowledgments is looked at before anything is sent, that is the window, as far as it was used.
 */
export function flightSize({ sndMax, sndUna, cwndLimited, cwnd }: Connection): number {
  const flight = (sndMax - sndUna) | 0;
  return cwndLimited ? Math.max(flight, cwnd) : flight;
}

/**
 * There is congestion: sets ssthresh. Where both sides know congestion marks, the next new text says so, whatever it was that
 * told (RFC 3168, section 6.1.2).
 */
export function reduceThreshold(connection: Connection, timeout: boolean): void {
  connection.ssthresh = connection.congestion.reduced(connection, timeout);
  connection.ecnReduced = connection.ecn;
}
