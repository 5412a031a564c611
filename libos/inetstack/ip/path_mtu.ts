/**
 * The largest packet that the way to a destination takes, as a router said (RFC 1191, RFC 8201): kept by destination, so that
 * whoever begins to send there begins with what others learnt (RFC 8201, section 5.2).
 *
 * Who is told by a router judges whether it is to be believed, before it is kept.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { type IpAddress, mix } from "../ip_address.ts";
import type { Time } from "../time.ts";

/** What every way takes: of IPv4 what all hosts do, less than which nobody honest says; of IPv6 the least MTU. */
export const LEAST_MTU: { readonly 4: number; readonly 6: number } = Object.freeze(
  { 4: 552, 6: 1280 } as const,
);
/** How long it is taken for true, in milliseconds: the way may be another one by then (RFC 1191, section 6.3; RFC 8201, section 4). */
const LIFETIME = 600_000;

interface Path {
  readonly destination: IpAddress;
  readonly mtu: number;
  /** When a router said so last, in milliseconds of the stack. */
  readonly since: number;
}

/** See the module's description. Of two destinations that have the same place, the one that was told of last is known. */
export class PathMtuTable {
  readonly #paths: (Path | null)[] = new Array(BOUNDS.PATHS).fill(null);
  readonly #time: Time;

  /** Makes an empty one. */
  constructor(time: Time) {
    this.#time = time;
  }

  /** The largest packet that goes to a destination over a link that takes `most`. */
  of(destination: IpAddress, most: number): number {
    const path = this.#paths[placeOf(destination)]!;
    if (path === null || path.mtu >= most || !path.destination.equals(destination)) return most;
    return (this.#time.ms - path.since) >>> 0 < LIFETIME ? path.mtu : most;
  }

  /** A router said that the way to a destination takes no larger packets. */
  learn(destination: IpAddress, mtu: number): void {
    const wanted = Math.max(mtu, LEAST_MTU[destination.version]);
    if (wanted > this.of(destination, wanted)) return;
    this.#paths[placeOf(destination)] = { destination, mtu: wanted, since: this.#time.ms };
  }
}

function placeOf({ w0, w1, w2, w3 }: IpAddress): number {
  return mix(w0, w1, w2, w3) & (BOUNDS.PATHS - 1);
}
