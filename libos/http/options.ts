/**
 * How HTTP is served: what is taken from a client, and how long that may take.
 *
 * @module
 */

import { checkOptions, wrongKind } from "../check.ts";
import { checkTimeout } from "../error.ts";

/** What a client may send, and how slowly. */
export interface HttpLimits {
  /** The most bytes of a head, target included; more is answered with 431, or 414. @default {16384} */
  readonly maxHeaderSize?: number;
  /** The most fields of a head; more are answered with 431. @default {100} */
  readonly maxHeaders?: number;
  /** The most bytes of a body; more are answered with 413. @default {67108864} */
  readonly maxBodySize?: number;
  /** Milliseconds from the first byte of a request, or from when the client connected, until its head is there; then 408. */
  readonly headerTimeout?: number;
  /** Milliseconds from the head of a request until its body is there. 300 000 by default. */
  readonly bodyTimeout?: number;
  /**
   * Milliseconds after which a connection is closed on which nothing happens: no request comes, no byte of a body, and
   * none of an answer is taken. 60 000 by default.
   */
  readonly idleTimeout?: number;
  /** The most connections at once; what is beyond is closed as it comes. As many as come, by default. */
  readonly maxConnections?: number;
}

/** Limits where none are given. */
export const LIMITS: Required<HttpLimits> = {
  maxHeaderSize: 16_384,
  maxHeaders: 100,
  maxBodySize: 2 ** 26,
  headerTimeout: 10_000,
  bodyTimeout: 300_000,
  idleTimeout: 60_000,
  maxConnections: Infinity,
};

/** Checks the limits that are given, and adds those that are not. */
export function toLimits(call: string, options: HttpLimits): Required<HttpLimits> {
  checkOptions(call, options, {});
  const limits = { ...LIMITS };
  for (const name of Object.keys(LIMITS) as (keyof HttpLimits)[]) {
    const value = options[name];
    if (value === undefined) continue;
    if (name.endsWith("Timeout")) checkTimeout(value);
    else checkCount(call, name, value);
    limits[name] = value;
  }
  return limits;
}

/** Refuses what is no number of something; any number is one. */
export function checkCount(call: string, name: string, value: unknown): void {
  if (value === Infinity || (Number.isSafeInteger(value) && value as number > 0)) return;
  throw wrongKind(call, name, value, "an integer of 1 or more");
}
