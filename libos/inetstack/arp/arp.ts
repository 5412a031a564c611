/**
 * The Address Resolution Protocol (RFC 826), with announcements and the defence of own addresses (RFC 5227).
 *
 * @module
 */

import type { Interface } from "../ethernet/interface.ts";
import { Neighbour, type Resolver } from "../ethernet/neighbour.ts";
import { IpAddress } from "../ip_address.ts";
import { ARP, ARP_OPERATION, emitArp, isArp } from "../wire/arp.ts";
import { BROADCAST, ETHERTYPE } from "../wire/ethernet.ts";

/** An own address is defended once in so many milliseconds (DEFEND_INTERVAL of RFC 5227, section 1.1). */
const DEFEND_INTERVAL = 10_000;

/** What ARP asks its host. */
export interface ArpHost {
  /** Whether an IPv4 address, as a word, is an own one. */
  isOwn(word: number): boolean;
  /** The own address to ask from for one of the link. */
  ownFor(target: IpAddress): number;
}

/** See the module's description. */
export class Arp implements Resolver {
  readonly #host: ArpHost;
  #defended: number | null = null;

  /** Makes the protocol of a host. */
  constructor(host: ArpHost) {
    this.#host = host;
  }

  /** A packet came. */
  receive(iface: Interface, at: number, length: number): void {
    const { memory, counters } = iface;
    if (!isArp(memory, at, length)) {
      counters.foreignFrames++;
      return;
    }
    counters.neighbourMessages++;
    const { u16, i32 } = memory;
    const high = u16[(at + ARP.SENDER_MAC) >> 1]!;
    const low = u16[(at + ARP.SENDER_MAC + 2) >> 1]! | u16[(at + ARP.SENDER_MAC + 4) >> 1]! << 16;
    const sender = u16[(at + ARP.SENDER_IP) >> 1]! | u16[(at + ARP.SENDER_IP + 2) >> 1]! << 16;
    const target = i32[(at + ARP.TARGET_IP) >> 2]!;
    const operation = u16[(at + ARP.OPERATION) >> 1]!;
    // A group has no Ethernet address of one host, whatever somebody says.
    if ((high & 1) !== 0) return;
    if (this.#host.isOwn(sender)) {
      if (high !== iface.mac.high || low !== iface.mac.low) this.#conflict(iface, sender);
      return;
    }
    const toUs = this.#host.isOwn(target);
    // A sender of 0 only probes whether an address is free (RFC 5227, section 2.1.1).
    if (sender !== 0) this.#learn(iface, sender, high, low, toUs, operation);
    if (toUs && operation === ARP_OPERATION.REQUEST) {
      this.#send(iface, ARP_OPERATION.REPLY, target, high, low, sender);
    }
  }

  /** See {@linkcode Resolver.solicit}. */
  solicit(neighbour: Neighbour, unicast: boolean): void {
    const { iface, address } = neighbour;
    const from = this.#host.ownFor(address);
    if (unicast) {
      this.#send(iface, ARP_OPERATION.REQUEST, from, neighbour.high, neighbour.low, address.w3);
    } else this.#broadcast(iface, from, address.w3);
  }

  /** Tells the link of an own address (RFC 5227, section 2.3). */
  announce(iface: Interface, own: number): void {
    this.#broadcast(iface, own, own);
  }

  /** The merge of RFC 826: who is known is brought up to date, who speaks to this host is known from now on. */
  #learn(
    iface: Interface,
    sender: number,
    high: number,
    low: number,
    toUs: boolean,
    operation: number,
  ): void {
    const { w0, w1, w2 } = MAPPED;
    let neighbour = iface.neighbours.find(w0, w1, w2, sender);
    if (neighbour === null) {
      if (!toUs) return;
      neighbour = new Neighbour(IpAddress.v4(sender), iface);
      iface.neighbours.add(neighbour);
    }
    neighbour.confirm(high, low, toUs && operation === ARP_OPERATION.REPLY);
  }

  #conflict(iface: Interface, own: number): void {
    const { counters, time } = iface;
    counters.addressConflicts++;
    if (this.#defended !== null && ((time.ms - this.#defended) | 0) < DEFEND_INTERVAL) return;
    this.#defended = time.ms;
    this.announce(iface, own);
  }

  #broadcast(iface: Interface, own: number, target: number): void {
    const frame = iface.reserve();
    if (frame < 0) return;
    emitArp(
      iface.sendMemory,
      frame + iface.header,
      ARP_OPERATION.REQUEST,
      iface.mac,
      own,
      0,
      0,
      target,
    );
    iface.commitTo(BROADCAST.high, BROADCAST.low, ETHERTYPE.ARP, frame, ARP.SIZE);
  }

  #send(
    iface: Interface,
    operation: number,
    own: number,
    high: number,
    low: number,
    target: number,
  ): void {
    const frame = iface.reserve();
    if (frame < 0) return;
    emitArp(iface.sendMemory, frame + iface.header, operation, iface.mac, own, high, low, target);
    iface.commitTo(high, low, ETHERTYPE.ARP, frame, ARP.SIZE);
  }
}

const MAPPED = IpAddress.v4(0);
