/**
 * Neighbours: which Ethernet address an IP address of the link has. The states are those of Neighbor Unreachability
 * Detection (RFC 4861, section 7.3), for IPv4 and ARP too: what was not confirmed for a while is asked for again while it
 * is used, and forgotten if it does not answer.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { Interface } from "./interface.ts";
import { type IpAddress, mix } from "../ip_address.ts";
import { Timer } from "../../runtime/scheduler/timers.ts";
import { BROADCAST, type MacAddress } from "../wire/ethernet.ts";

/** The states of a neighbour. */
export const NEIGHBOUR = Object.freeze(
  {
    /** Its address is not known. */
    INCOMPLETE: 0,
    /** It was confirmed not long ago. */
    REACHABLE: 1,
    /** It was confirmed long ago. */
    STALE: 2,
    /** It is used again; perhaps somebody confirms it without being asked. */
    DELAY: 3,
    /** It is being asked. */
    PROBE: 4,
    /** It was given, and does not change. */
    PERMANENT: 5,
  } as const,
);

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { DELAY, INCOMPLETE, PERMANENT, PROBE, REACHABLE, STALE } = NEIGHBOUR;

/** How long a confirmation is good for, in milliseconds (REACHABLE_TIME of RFC 4861, section 10). */
const REACHABLE_TIME = 30_000;
/** How long a stale one that is used waits for a confirmation (DELAY_FIRST_PROBE_TIME). */
const DELAY_TIME = 5000;
/** Between two questions (RETRANS_TIMER). */
const RETRANSMIT_TIME = 1000;
/** Questions until it is given up (MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT). */
const PROBES = 3;

/** Asks for the Ethernet address of a neighbour, all stations of the link or the one that had it. */
export interface Resolver {
  /** Sends one question. */
  solicit(neighbour: Neighbour, unicast: boolean): void;
}

/** One host of the link, on an interface. */
export class Neighbour {
  /** Its IP address. */
  declare readonly address: IpAddress;
  /** Where it is. */
  declare readonly iface: Interface;
  /** Its Ethernet address, bytes 0 and 1; if it is known. */
  high = 0;
  /** Its Ethernet address, bytes 2 to 5. */
  low = 0;
  /** One of {@linkcode NEIGHBOUR}. */
  state: number = INCOMPLETE;
  /** When it was confirmed or used last, in milliseconds of the stack. */
  confirmed = 0;
  /** How many connections hold it, or whether it was configured: it is not forgotten as long. */
  users = 0;
  /** The next one in its row of the table. */
  next: Neighbour | null = null;
  #probes = 0;
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  readonly #timer = new Timer(() => this.#expire());

  /** Makes one whose Ethernet address is not known yet. */
  constructor(address: IpAddress, iface: Interface) {
    this.address = address;
    this.iface = iface;
    this.confirmed = iface.time.ms;
  }

  /** Whether its Ethernet address is known. */
  get isKnown(): boolean {
    return this.state !== INCOMPLETE;
  }

  /** Its Ethernet address is given, and does not change. */
  fix(mac: MacAddress): void {
    this.confirm(mac.high, mac.low, true);
    this.state = PERMANENT;
  }

  /**
   * Sends the packet of `length` bytes that lies behind the header of the reserved frame, or keeps a copy of it until the
   * address is known.
   */
  send(frame: number, length: number): void {
    if (this.state === INCOMPLETE) return this.#hold(frame, length);
    if (this.state <= STALE) this.#touch();
    this.iface.commit(this, frame, length);
  }

  /** Somebody above got an answer from it: it is there (RFC 4861, section 7.3.1). */
  progress(): void {
    if (this.state === REACHABLE) this.confirmed = this.iface.time.ms;
    else if (this.state !== PERMANENT && this.state !== INCOMPLETE) {
      this.#reach();
    }
  }

  /** Somebody above gets no answer from it (RFC 1122, sections 3.3.1.4 and 4.2.3.5): it is asked whether it is there. */
  doubt(): void {
    if (this.state !== NEIGHBOUR.REACHABLE && this.state !== NEIGHBOUR.STALE) return;
    this.state = NEIGHBOUR.PROBE;
    this.#ask();
  }

  /** It told its Ethernet address; `solicited` if it answered a question, so that it is surely there. */
  confirm(high: number, low: number, solicited: boolean): void {
    if (this.state === PERMANENT) return;
    const same = this.high === high && this.low === low && this.state !== INCOMPLETE;
    this.high = high;
    this.low = low;
    if (solicited) this.#reach();
    else if (!same) {
      this.iface.timers.disarm(this.#timer);
      this.state = STALE;
      this.confirmed = this.iface.time.ms;
    }
    const waiting = this.#waiting.splice(0);
    for (const packet of waiting) this.#release(packet);
  }

  /** It is forgotten: nothing of it is kept. */
  forget(): void {
    this.iface.timers.disarm(this.#timer);
    this.iface.counters.ipSendDrops += this.#waiting.length;
    this.#waiting.length = 0;
  }

  #reach(): void {
    this.iface.timers.disarm(this.#timer);
    this.state = REACHABLE;
    this.confirmed = this.iface.time.ms;
    this.#probes = 0;
  }

  /** It is used: perhaps it has to be confirmed. */
  #touch(): void {
    const { time } = this.iface;
    if (this.state === REACHABLE) {
      if (((time.ms - this.confirmed) | 0) < REACHABLE_TIME) return;
    }
    this.state = DELAY;
    this.#arm(DELAY_TIME);
  }

  #hold(frame: number, length: number): void {
    const { counters, device } = this.iface;
    if (this.#waiting.length === BOUNDS.NEIGHBOUR_WAITING) {
      this.#waiting.shift();
      counters.ipSendDrops++;
    }
    this.#waiting.push(device.sendMemory.u8.slice(frame, frame + this.iface.header + length));
    if (!this.#timer.armed) this.#ask();
  }

  #release(packet: Uint8Array<ArrayBuffer>): void {
    const { device, counters, header } = this.iface;
    const frame = device.reserve();
    if (frame < 0) {
      counters.ipSendDrops++;
      return;
    }
    device.sendMemory.u8.set(packet, frame);
    this.iface.commit(this, frame, packet.length - header);
  }

  #ask(): void {
    this.#probes++;
    this.#arm(RETRANSMIT_TIME);
    this.iface.solicit(this, this.state === PROBE);
  }

  #arm(delay: number): void {
    this.iface.timers.arm(this.#timer, this.iface.time.now + delay);
  }

  #expire(): void {
    if (this.state === DELAY) {
      this.state = PROBE;
      this.#probes = 0;
    }
    if (this.#probes < PROBES) return this.#ask();
    this.#probes = 0;
    if (this.state === PROBE) {
      // Perhaps it has another Ethernet address by now.
      this.state = INCOMPLETE;
      return this.#ask();
    }
    this.forget();
    this.iface.unreachable(this);
  }
}

const ROWS = 256;

/** The neighbours of one interface. */
export class NeighbourTable {
  readonly #rows: (Neighbour | null)[] = new Array(ROWS).fill(null);
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The neighbour of an address, or null if it is not known. */
  find(w0: number, w1: number, w2: number, w3: number): Neighbour | null {
    let one = this.#rows[row(w0, w1, w2, w3)] ?? null;
    while (one !== null && !one.address.is(w0, w1, w2, w3)) one = one.next;
    return one;
  }

  /** Adds one that is not there; if there are too many, the one that was silent longest goes. */
  add(neighbour: Neighbour): void {
    if (this.#size >= BOUNDS.NEIGHBOURS) this.#evict();
    const { w0, w1, w2, w3 } = neighbour.address;
    const place = row(w0, w1, w2, w3);
    neighbour.next = this.#rows[place]!;
    this.#rows[place] = neighbour;
    this.#size++;
  }

  /** All of them. */
  *[Symbol.iterator](): Iterator<Neighbour> {
    for (const first of this.#rows) {
      for (let one: Neighbour | null = first; one !== null; one = one.next) yield one;
    }
  }

  #evict(): void {
    let oldest: Neighbour | null = null;
    for (const one of this) {
      if (one.users > 0) continue;
      if (oldest === null || ((one.confirmed - oldest.confirmed) | 0) < 0) oldest = one;
    }
    if (oldest === null) return;
    const { w0, w1, w2, w3 } = oldest.address;
    const place = row(w0, w1, w2, w3);
    let before: Neighbour | null = null;
    let one = this.#rows[place] ?? null;
    while (one !== null && one !== oldest) {
      before = one;
      one = one.next;
    }
    if (before === null) this.#rows[place] = oldest.next;
    else before.next = oldest.next;
    oldest.next = null;
    oldest.forget();
    this.#size--;
  }
}

function row(w0: number, w1: number, w2: number, w3: number): number {
  return mix(w0, w1, w2, w3) & (ROWS - 1);
}

/** Gives a neighbour the Ethernet address of a group, or of all: nobody has to be asked. */
export function fixGroup(neighbour: Neighbour): void {
  const { address } = neighbour;
  if (!address.isMulticast) return neighbour.fix(BROADCAST);
  const { bytes } = address;
  // RFC 1112, section 6.4: the last 23 bits; RFC 2464, section 7: the last 32.
  const high = address.version === 4 ? 0x0001 : 0x3333;
  const low = address.version === 4
    ? 0x5e | (bytes[1]! & 0x7f) << 8 | bytes[2]! << 16 | bytes[3]! << 24
    : address.w3;
  neighbour.confirm(high, low, true);
  neighbour.state = PERMANENT;
}
