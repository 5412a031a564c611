/**
 * Putting datagrams together of fragments (RFC 791, section 3.2; RFC 8200, section 4.5), bounded in bytes, pieces and time.
 *
 * A datagram with fragments that overlap is given up (RFC 5722, for IPv4 too: RFC 8900, section 3.7), but for a fragment
 * that came twice as it was.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import type { Counters } from "../counters.ts";
import { Memory } from "../../runtime/memory/memory.ts";
import type { Time } from "../time.ts";
import { Timer, type TimerHeap } from "../../runtime/scheduler/timers.ts";
import type { Packet } from "./packet.ts";

/** The most that a datagram may be, with its header. */
const LARGEST = 65_535;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A datagram of which pieces came. */
export class Datagram {
  /** What its fragments have in common. */
  readonly key: string;
  /** The beginning of its first fragment with the IP header, as an ICMP error quotes it; null if it did not come. */
  head: Uint8Array<ArrayBuffer> | null = null;
  /** By offset, none overlaps another. */
  readonly pieces: Piece[] = [];
  /** Bytes in them. */
  bytes = 0;
  /** Where it ends; -1 as long as the last fragment did not come. */
  end = -1;
  /** Gives it up. */
  readonly timer: Timer;

  constructor(key: string, expire: (datagram: Datagram) => void) {
    this.key = key;
    this.timer = new Timer(() => expire(this));
  }
}

/** See the module's description. */
export class Reassembly {
  /** Where the payload of a datagram that is whole lies, from 0 on, until the next one is. */
  readonly memory: Memory = new Memory(new ArrayBuffer(LARGEST + 1));
  /** The beginning of the first fragment of that datagram. */
  head: Memory | null = null;
  readonly #counters: Counters;
  readonly #time: Time;
  readonly #timers: TimerHeap;
  readonly #expired: (head: Uint8Array<ArrayBuffer>) => void;
  readonly #datagrams = new Map<string, Datagram>();
  #bytes = 0;

  /** Makes an empty one; `expired` is told of the first fragment of a datagram that was not whole in time. */
  constructor(
    counters: Counters,
    time: Time,
    timers: TimerHeap,
    expired: (head: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#counters = counters;
    this.#time = time;
    this.#timers = timers;
    this.#expired = expired;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes the payload of a packet, which is a fragment. Gives the length of the datagram if that is whole, and lies in
   * {@linkcode Reassembly.memory} then; -1 if it is not.
   */
  add(packet: Packet, identification: number, offset: number, more: boolean): number {
    const { length } = packet;
    const end = offset + length;
    // All but the last are in units of 8 bytes.
    if (length === 0 || end > LARGEST || (more && (length & 7) !== 0)) return this.#fail(null);
    const datagram = this.#find(packet, identification);
    let place = datagram.pieces.length;
    while (place > 0 && datagram.pieces[place - 1]!.offset >= offset) place--;
    const after = datagram.pieces[place];
    const before = datagram.pieces[place - 1];
    if (after !== undefined && after.offset === offset && after.bytes.length === length) return -1;
    const overlaps = (after !== undefined && end > after.offset) ||
      (before !== undefined && before.offset + before.bytes.length > offset);
    const ends = more
      ? datagram.end >= 0 && end > datagram.end
      : datagram.end >= 0 || datagram.pieces.some((one) => one.offset + one.bytes.length > end);
    if (overlaps || ends || datagram.pieces.length === BOUNDS.FRAGMENTS_EACH) {
      return this.#fail(datagram);
    }
    const { u8 } = packet.memory;
    datagram.pieces.splice(place, 0, {
      offset,
      bytes: u8.slice(packet.payload, packet.payload + length),
    });
    datagram.bytes += length;
    this.#bytes += length;
    if (!more) datagram.end = end;
    if (offset === 0) {
      datagram.head = u8.slice(packet.start, packet.payload + Math.min(length, 8));
    }
    while (this.#bytes > BOUNDS.FRAGMENT_BYTES) this.#dropOldest();
    return datagram.bytes === datagram.end ? this.#assemble(datagram) : -1;
  }

  #find(packet: Packet, identification: number): Datagram {
    const { s0, s1, s2, s3, d0, d1, d2, d3, protocol, version } = packet;
    const key = [version, protocol, identification, s0, s1, s2, s3, d0, d1, d2, d3].join();
    let datagram = this.#datagrams.get(key);
    if (datagram === undefined) {
      if (this.#datagrams.size === BOUNDS.FRAGMENT_DATAGRAMS) this.#dropOldest();
      datagram = new Datagram(key, (one) => this.#expire(one));
      this.#datagrams.set(key, datagram);
      this.#timers.arm(datagram.timer, this.#time.now + BOUNDS.FRAGMENT_LIFETIME);
    }
    return datagram;
  }

  #assemble(datagram: Datagram): number {
    for (const { offset, bytes } of datagram.pieces) this.memory.u8.set(bytes, offset);
    this.head = new Memory(datagram.head!.buffer);
    this.#remove(datagram);
    this.#counters.reassembled++;
    return datagram.end;
  }

  #expire(datagram: Datagram): void {
    this.#fail(datagram);
    if (datagram.head !== null) this.#expired(datagram.head);
  }

  #dropOldest(): void {
    for (const datagram of this.#datagrams.values()) return void this.#fail(datagram);
  }

  #fail(datagram: Datagram | null): -1 {
    this.#counters.reassemblyFailures++;
    if (datagram !== null) this.#remove(datagram);
    return -1;
  }

  #remove(datagram: Datagram): void {
    this.#timers.disarm(datagram.timer);
    this.#datagrams.delete(datagram.key);
    this.#bytes -= datagram.bytes;
  }
}
