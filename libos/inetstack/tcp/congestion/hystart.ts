/**
 * HyStart++ (RFC 9406): slow start ends when round-trip times grow, before the queue of the way overflows. Whether it was so is
 * tried for some rounds of a slower growth (Conservative Slow Start).
 *
 * @module
 */

import type { Connection } from "../connection.ts";
import { isUnderWay } from "../sequence.ts";

/** The constants of section 4.3, times in microseconds. */
const LEAST_THRESHOLD = 4000;
const MOST_THRESHOLD = 16_000;
const DIVISOR = 8;
const SAMPLES = 8;
const GROWTH_DIVISOR = 4;
const ROUNDS = 5;
/** L, where nothing is paced. */
const LIMIT = 8;

const NOTHING = 0x7fffffff;
/** ssthresh as long as there was no congestion. */
export const NO_THRESHOLD = 0x3fffffff;

/** What it has to remember of a connection. */
export class SlowStart {
  /** lastRoundMinRTT */
  last = NOTHING;
  /** currentRoundMinRTT */
  current = NOTHING;
  /** cssBaselineMinRtt */
  baseline = NOTHING;
  /** rttSampleCount */
  samples = 0;
  /** windowEnd */
  windowEnd = 0;
  /** How many rounds of the slower growth are left; 0 outside of it. */
  rounds = 0;
}

/** So many bytes were acknowledged in slow start: the window grows, or slow start is over. */
export function growInSlowStart(connection: Connection, bytes: number): void {
  const { mss, cwnd, ssthresh, afterTimeout, slowStart: state } = connection;
  // After a timeout an acknowledgment counts for one segment (RFC 3465, section 2.3).
  const most = Math.min(bytes, afterTimeout ? mss : LIMIT * mss);
  if (ssthresh < NO_THRESHOLD) {
    // Only the first slow start is judged: the others end where the way was known to be full (section 4.3).
    connection.cwnd = cwnd + most;
    return;
  }
  connection.cwnd = cwnd + (state.rounds > 0 ? (most / GROWTH_DIVISOR) | 0 : most);
  judge(connection, state);
}

function judge(connection: Connection, state: SlowStart): void {
  const { rackRtt, sndUna, sndMax, scoreboard } = connection;
  if (scoreboard !== null && rackRtt > 0) {
    state.samples++;
    if (rackRtt < state.current) state.current = rackRtt;
  }
  if (state.samples >= SAMPLES && state.current !== NOTHING) {
    if (state.rounds > 0) {
      // It was nothing: slow start goes on.
      if (state.current < state.baseline) {
        state.baseline = NOTHING;
        state.rounds = 0;
      }
    } else if (state.last !== NOTHING) {
      const threshold = Math.max(
        LEAST_THRESHOLD,
        Math.min((state.last / DIVISOR) | 0, MOST_THRESHOLD),
      );
      if (state.current >= state.last + threshold) {
        state.baseline = state.current;
        state.rounds = ROUNDS;
      }
    }
  }
  if (isUnderWay(state.windowEnd, sndUna, sndMax)) return;
  // A round is over.
  state.windowEnd = sndMax;
  state.last = state.current;
  state.current = NOTHING;
  state.samples = 0;
  if (state.rounds > 0 && --state.rounds === 0) connection.ssthresh = connection.cwnd;
}
