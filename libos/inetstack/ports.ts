/**
 * Choosing ports: simple hash-based selection (RFC 6056, section 3.3.3), so that a stranger cannot guess the next one and
 * a port is not used again soon.
 *
 * @module
 */

import { hash, type HashKey } from "./hash.ts";

/** The ports that are chosen from: Linux's range, since IANA's (RFC 6335) is too small for many connections. */
const FIRST = 32_768;
const LAST = 60_999;
const COUNT = LAST - FIRST + 1;

/** See the module's description. */
export class EphemeralPorts {
  readonly #key: HashKey;
  #next = 0;

  /** Makes a selection with a secret. */
  constructor(key: HashKey) {
    this.#key = key;
  }

  /** Gives a port for which `isFree` says so, for what is told by four words; 0 if none is free. */
  choose(a: number, b: number, c: number, d: number, isFree: (port: number) => boolean): number {
    const offset = (hash(this.#key, a, b, c, d) >>> 0) % COUNT;
    for (let i = 0; i < COUNT; i++) {
      const port = FIRST + (offset + this.#next) % COUNT;
      this.#next = (this.#next + 1) % COUNT;
      if (isFree(port)) return port;
    }
    return 0;
  }
}
