/**
 * CUBIC (RFC 9438): the window grows by the time since it shrank last, along a cubic curve that is flat where the way was full
 * then; slow start is HyStart++.
 *
 * @module
 */

import type { Connection } from "../connection.ts";
import { type CongestionControl, flightSize, mayGrow } from "./congestion.ts";
import { growInSlowStart } from "./hystart.ts";
import type { Time } from "../../time.ts";

/** C of section 4.1, in segments per second cubed. */
const SCALE = 0.4;
/** β of section 4.6. */
const BETA = 0.7;
/** α of section 4.3. */
const ALPHA = 3 * (1 - BETA) / (1 + BETA);

/** Where a value is in {@linkcode Connection.cubic}: numbers with fractions, which V8 would make an object of each elsewhere. */
const W_MAX = 0, K = 1, EPOCH = 2, W_EST = 3, CWND_PRIOR = 4, FRACTION = 5, IN_EPOCH = 6, SEEN = 7;
const SIZE = 8;

/** See the module's description. */
export const CUBIC: CongestionControl = Object.freeze({
  name: "cubic",

  acknowledged(connection: Connection, bytes: number, time: Time): void {
    const may = mayGrow(connection);
    const state = connection.cubic;
    if (state !== null) {
      // Time in which the window was not used does not count (section 4.2).
      if (!may) state[EPOCH] = state[EPOCH]! + ((time.ms - state[SEEN]!) | 0);
      state[SEEN] = time.ms;
    }
    if (!may) return;
    if (connection.cwnd < connection.ssthresh) growInSlowStart(connection, bytes);
    else growAlongCurve(connection, bytes, time);
  },

  reduced(connection: Connection, timeout: boolean): number {
    const { cwnd, mss } = connection;
    const state = connection.cubic ??= new Float64Array(SIZE);
    // Whoever has to make room for others gives more of it (fast convergence, section 4.7).
    state[W_MAX] = cwnd < state[W_MAX]! ? cwnd * (1 + BETA) / 2 : cwnd;
    // The stage after a timeout begins where it finds itself (section 4.8).
    if (timeout) state[W_MAX] = 0;
    state[CWND_PRIOR] = cwnd;
    state[IN_EPOCH] = 0;
    return Math.max((flightSize(connection) * BETA) | 0, 2 * mss);
  },

  paused(connection: Connection): void {
    // The time of a pause does not count (section 5.8): the curve begins anew.
    if (connection.cubic !== null) connection.cubic[IN_EPOCH] = 0;
  },
});

/** Congestion avoidance (sections 4.2 to 4.5). */
function growAlongCurve(connection: Connection, bytes: number, time: Time): void {
  const { cwnd, mss, srtt } = connection;
  const state = connection.cubic ??= new Float64Array(SIZE);
  if (state[IN_EPOCH] === 0) beginEpoch(state, cwnd, mss, time);
  // t and t + RTT of section 4.2, in seconds.
  const elapsed = ((time.ms - state[EPOCH]!) | 0) / 1000;
  const now = curve(state, elapsed, mss);
  const alpha = state[W_EST]! < state[CWND_PRIOR]! ? ALPHA : 1;
  state[W_EST] = state[W_EST]! + alpha * mss * bytes / cwnd;
  let growth: number;
  if (now < state[W_EST]!) {
    // Where Reno would be faster, it is as fast (section 4.3).
    growth = Math.max(state[W_EST]! - cwnd, 0);
  } else {
    const target = Math.min(Math.max(curve(state, elapsed + srtt / 1e6, mss), cwnd), 1.5 * cwnd);
    growth = (target - cwnd) * bytes / cwnd;
  }
  growth += state[FRACTION]!;
  const whole = Math.floor(growth) | 0;
  state[FRACTION] = growth - whole;
  connection.cwnd = cwnd + whole;
}

function beginEpoch(state: Float64Array, cwnd: number, mss: number, time: Time): void {
  state[IN_EPOCH] = 1;
  state[EPOCH] = state[SEEN] = time.ms;
  state[W_EST] = cwnd;
  state[FRACTION] = 0;
  if (state[W_MAX]! <= cwnd) state[W_MAX] = cwnd;
  state[K] = Math.cbrt((state[W_MAX]! - cwnd) / mss / SCALE);
}

/** W_cubic(t), in bytes (figure 1). */
function curve(state: Float64Array, seconds: number, mss: number): number {
  const distance = seconds - state[K]!;
  return SCALE * distance * distance * distance * mss + state[W_MAX]!;
}
