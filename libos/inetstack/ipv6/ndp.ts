/**
 * Neighbor Discovery (RFC 4861): which Ethernet address an IPv6 address has; and whether somebody else has an own one
 * (duplicate address detection, RFC 4862 section 5.4, optimistic: RFC 4429). Routers are configured, not discovered.
 *
 * @module
 */

import type { Host, Interface } from "../ethernet/interface.ts";
import type { IpOutput } from "../ip/output.ts";
import { Neighbour, type Resolver } from "../ethernet/neighbour.ts";
import { IpAddress } from "../ip_address.ts";
import type { Packet } from "../ip/packet.ts";
import { solicitedNode } from "../ip/addressing.ts";
import { fold, sum, swap16 } from "../../runtime/memory/memory.ts";
import { PROTOCOL } from "../wire/ipv4.ts";
import { pseudoSum6 } from "../wire/ipv6.ts";
import { ADVERTISEMENT, ICMPV6, ICMPV6_TYPE, LINK_OPTION, NEIGHBOR } from "../wire/icmpv6.ts";

/** What was forwarded has less: so it came from the link itself (RFC 4861, section 7.1). */
const HOP_LIMIT = 255;
const ALL_NODES = IpAddress.parse("ff02::1")!;

/** See the module's description. */
export class Ndp implements Resolver {
  readonly #host: Host;
  readonly #output: IpOutput;
  /** The Ethernet address of the option that was found last. */
  #high = 0;
  #low = 0;

  /** Makes the protocol of a host. */
  constructor(host: Host, output: IpOutput) {
    this.#host = host;
    this.#output = output;
  }

  /** A message came, whose checksum is right. */
  receive(packet: Packet, type: number): void {
    const { memory, payload, length, hopLimit } = packet;
    if (hopLimit !== HOP_LIMIT || length < NEIGHBOR.OPTIONS || memory.u8[payload + 1] !== 0) return;
    const word = (payload + NEIGHBOR.TARGET) >> 2;
    const { i32 } = memory;
    const target = new IpAddress(6, i32[word]!, i32[word + 1]!, i32[word + 2]!, i32[word + 3]!);
    if (target.isMulticast) return;
    this.#host.counters.neighbourMessages++;
    if (type === ICMPV6_TYPE.NEIGHBOR_SOLICITATION) this.#solicited(packet, target);
    else this.#advertised(packet, target);
  }

  /** See {@linkcode Resolver.solicit}. */
  solicit(neighbour: Neighbour, unicast: boolean): void {
    const { address } = neighbour;
    const own = this.#output.addressing.sourceFor(address, address);
    if (own === null) return;
    const to = unicast ? address : solicitedNode(address);
    const through = unicast ? neighbour : this.#output.route(to);
    if (through === null) return;
    this.#send(through, ICMPV6_TYPE.NEIGHBOR_SOLICITATION, 0, address, own, to);
  }

  /** Tells the link of an own address, and asks whether somebody has it. */
  announce(own: IpAddress): void {
    const group = this.#output.route(solicitedNode(own));
    const all = this.#output.route(ALL_NODES);
    if (group === null || all === null) return;
    const nobody = IpAddress.any(6);
    this.#send(group, ICMPV6_TYPE.NEIGHBOR_SOLICITATION, 0, own, nobody, solicitedNode(own));
    const { OVERRIDE } = ADVERTISEMENT;
    this.#send(all, ICMPV6_TYPE.NEIGHBOR_ADVERTISEMENT, OVERRIDE, own, own, ALL_NODES);
  }

  /** Section 7.2.3. */
  #solicited(packet: Packet, target: IpAddress): void {
    const { addressing } = this.#output;
    const { w0, w1, w2, w3 } = target;
    if (!addressing.has(w0, w1, w2, w3)) return;
    const { source, iface } = packet;
    if (source.isUnspecified) {
      // Somebody wants to have it: it is told that this host does.
      const all = this.#output.route(ALL_NODES);
      if (all === null) return;
      this.#host.counters.addressConflicts++;
      const { OVERRIDE } = ADVERTISEMENT;
      this.#send(all, ICMPV6_TYPE.NEIGHBOR_ADVERTISEMENT, OVERRIDE, target, target, ALL_NODES);
      return;
    }
    if (addressing.isOwn(source)) return;
    if (this.#findOption(packet, LINK_OPTION.SOURCE)) {
      this.#neighbour(iface, source).confirm(this.#high, this.#low, false);
    }
    const through = this.#output.route(source);
    if (through === null) return;
    const flags = ADVERTISEMENT.SOLICITED | ADVERTISEMENT.OVERRIDE;
    this.#send(through, ICMPV6_TYPE.NEIGHBOR_ADVERTISEMENT, flags, target, target, source);
  }

  /** Section 7.2.5. */
  #advertised(packet: Packet, target: IpAddress): void {
    const { iface, memory, payload } = packet;
    const { w0, w1, w2, w3 } = target;
    if (this.#output.addressing.has(w0, w1, w2, w3)) {
      this.#host.counters.addressConflicts++;
      return;
    }
    const neighbour = iface.neighbours.find(w0, w1, w2, w3);
    if (neighbour === null) return;
    const flags = memory.u8[payload + ICMPV6.WORD]!;
    const solicited = (flags & ADVERTISEMENT.SOLICITED) !== 0;
    if (!this.#findOption(packet, LINK_OPTION.TARGET)) {
      if (solicited) neighbour.progress();
      return;
    }
    const other = neighbour.high !== this.#high || neighbour.low !== this.#low;
    // Without the flag another address is not believed, as long as the known one is.
    if (other && neighbour.isKnown && (flags & ADVERTISEMENT.OVERRIDE) === 0) return;
    neighbour.confirm(this.#high, this.#low, solicited);
  }

  /** Finds the option with an Ethernet address; says whether it is there. */
  #findOption(packet: Packet, wanted: number): boolean {
    const { memory, payload, length } = packet;
    const { u8 } = memory;
    const end = payload + length;
    for (let at = payload + NEIGHBOR.OPTIONS; at + 8 <= end;) {
      const size = 8 * u8[at + 1]!;
      if (size === 0 || at + size > end) return false;
      if (u8[at] === wanted) {
        this.#high = u8[at + 2]! | u8[at + 3]! << 8;
        this.#low = u8[at + 4]! | u8[at + 5]! << 8 | u8[at + 6]! << 16 | u8[at + 7]! << 24;
        return (this.#high & 1) === 0;
      }
      at += size;
    }
    return false;
  }

  #neighbour(iface: Interface, address: IpAddress): Neighbour {
    const { w0, w1, w2, w3 } = address;
    const known = iface.neighbours.find(w0, w1, w2, w3);
    if (known !== null) return known;
    const neighbour = new Neighbour(address, iface);
    iface.neighbours.add(neighbour);
    return neighbour;
  }

  #send(
    through: Neighbour,
    type: number,
    flags: number,
    target: IpAddress,
    from: IpAddress,
    to: IpAddress,
  ): void {
    const output = this.#output;
    // Who does not know its address yet must not tell it (RFC 4861, section 4.3).
    const length = from.isUnspecified ? NEIGHBOR.OPTIONS : NEIGHBOR.SIZE;
    if (!output.begin(through, to, length)) return;
    const { memory, at } = output;
    const { i32, u16 } = memory;
    const word = at >> 2;
    i32[word] = type;
    i32[word + 1] = flags;
    i32[word + 2] = target.w0;
    i32[word + 3] = target.w1;
    i32[word + 4] = target.w2;
    i32[word + 5] = target.w3;
    if (length === NEIGHBOR.SIZE) {
      const { mac } = through.iface;
      const option = type === ICMPV6_TYPE.NEIGHBOR_SOLICITATION
        ? LINK_OPTION.SOURCE
        : LINK_OPTION.TARGET;
      i32[word + 6] = option | 1 << 8 | mac.high << 16;
      i32[word + 7] = mac.low;
    }
    const pseudo = pseudoSum6(from, to, PROTOCOL.ICMPV6) + swap16(length);
    u16[(at + ICMPV6.CHECKSUM) >> 1] = ~fold(pseudo + sum(memory, at, length));
    output.send(through, length, PROTOCOL.ICMPV6, from, to, HOP_LIMIT);
  }
}
