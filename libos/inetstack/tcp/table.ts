/**
 * The table of connections: rows of a hash, chained through the connections. Whom the last segment was for is tried first.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { IpAddress } from "../ip_address.ts";
import type { Packet } from "../ip/packet.ts";
import { swap16 } from "../wire/byte_order.ts";

const FIRST_ROWS = 64;

/** See the module's description. Addresses are words as in {@linkcode IpAddress}, ports as they lie in a segment that comes. */
export class ConnectionTable {
  #rows: (Connection | null)[] = new Array(FIRST_ROWS).fill(null);
  #size = 0;
  /** What makes the rows unpredictable. */
  readonly #salt: number;
  #last: Connection | null = null;

  /** Makes an empty table, with a secret. */
  constructor(salt: number) {
    this.#salt = salt;
  }

  /** How many connections there are. */
  get size(): number {
    return this.#size;
  }

  /** All connections. */
  *[Symbol.iterator](): Iterator<Connection> {
    for (const first of this.#rows) {
      for (let one: Connection | null = first; one !== null; one = one.next) yield one;
    }
  }

  /** Adds one that is not there. */
  add(connection: Connection): void {
    if (this.#size++ >= this.#rows.length) this.#grow();
    this.#chain(connection);
  }

  /** Takes one out. */
  remove(connection: Connection): void {
    if (this.#last === connection) this.#last = null;
    const place = this.#rowOf(connection.portsIn, connection.remoteWord);
    let previous: Connection | null = null;
    let one = this.#rows[place] ?? null;
    while (one !== null && one !== connection) {
      previous = one;
      one = one.next;
    }
    if (previous === null) this.#rows[place] = connection.next;
    else previous.next = connection.next;
    connection.next = null;
    this.#size--;
  }

  /** The connection that a packet is for; null if there is none. */
  find(packet: Packet, ports: number): Connection | null {
    const last = this.#last;
    const { s0, s1, s2, s3, d0, d1, d2, d3 } = packet;
    if (
      last !== null && last.portsIn === ports && last.remote.is(s0, s1, s2, s3) &&
      last.local.is(d0, d1, d2, d3)
    ) {
      return last;
    }
    const found = this.search(ports, s0, s1, s2, s3, d0, d1, d2, d3);
    if (found !== null) this.#last = found;
    return found;
  }

  /** As {@linkcode ConnectionTable.find}, of IPv4, whose addresses are a word each. */
  find4(ports: number, remote: number, local: number): Connection | null {
    const last = this.#last;
    if (
      last !== null && last.portsIn === ports && last.remoteWord === remote &&
      last.localWord === local && last.version === 4
    ) {
      return last;
    }
    let one = this.#rows[this.#rowOf(ports, remote)] ?? null;
    while (
      one !== null &&
      (one.portsIn !== ports || one.remoteWord !== remote || one.localWord !== local ||
        one.version !== 4)
    ) {
      one = one.next;
    }
    if (one !== null) this.#last = one;
    return one;
  }

  /** The connection between two addresses, the peer's first; null if there is none. */
  search(
    ports: number,
    r0: number,
    r1: number,
    r2: number,
    r3: number,
    l0: number,
    l1: number,
    l2: number,
    l3: number,
  ): Connection | null {
    let one = this.#rows[this.#rowOf(ports, r3)] ?? null;
    while (one !== null) {
      if (one.portsIn === ports && one.remote.is(r0, r1, r2, r3) && one.local.is(l0, l1, l2, l3)) {
        return one;
      }
      one = one.next;
    }
    return null;
  }

  /** The connection between two ends; null if there is none. */
  lookup(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
  ): Connection | null {
    const ports = swap16(remotePort) | swap16(localPort) << 16;
    const { w0, w1, w2, w3 } = remote;
    return this.search(ports, w0, w1, w2, w3, local.w0, local.w1, local.w2, local.w3);
  }

  #chain(connection: Connection): void {
    const place = this.#rowOf(connection.portsIn, connection.remoteWord);
    connection.next = this.#rows[place]!;
    this.#rows[place] = connection;
  }

  #grow(): void {
    const all = [...this];
    this.#rows = new Array(this.#rows.length * 2).fill(null);
    for (const connection of all) this.#chain(connection);
  }

  #rowOf(ports: number, remote: number): number {
    const mixed = Math.imul(remote ^ Math.imul(ports ^ this.#salt, 0x9e3779b1), 0x85ebca6b);
    return (mixed ^ mixed >>> 15) & (this.#rows.length - 1);
  }
}
