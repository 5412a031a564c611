/**
 * The algorithms that there are, by name.
 *
 * @module
 */

import { CUBIC } from "./cubic.ts";
import type { CongestionControl } from "./congestion.ts";
import { RENO } from "./reno.ts";

/** All algorithms; the first one is the default. */
export const ALGORITHMS: readonly CongestionControl[] = Object.freeze([CUBIC, RENO]);
