/**
 * The algorithms that there are, by name.
 *
 * @module
 */

import { CUBIC } from "./cubic.ts";
import type { CongestionControl } from "./congestion.ts";
import { DemikernelError, inspect } from "../../../error.ts";
import { RENO } from "./reno.ts";

/** All algorithms; the first one is the default. */
const ALGORITHMS: readonly CongestionControl[] = Object.freeze([CUBIC, RENO]);

/** The algorithm that is used where nobody says another one. */
export const DEFAULT_ALGORITHM: CongestionControl = ALGORITHMS[0]!;

/** The algorithm of a name. Throws {@linkcode DemikernelError} `EINVAL` for what is none. */
export function algorithmOf(name: unknown, operation: string, qd?: number): CongestionControl {
  const found = ALGORITHMS.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = ALGORITHMS.map((one) => `"${one.name}"`).join(" or ");
  throw new DemikernelError("EINVAL", operation, {
    ...(qd === undefined ? {} : { qd }),
    detail: `the option "congestion" must be ${names}, not ${inspect(name)}`,
  });
}
