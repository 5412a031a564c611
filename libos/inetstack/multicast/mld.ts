/**
 * Multicast Listener Discovery, version 1 (RFC 2710): what IGMP is for IPv4.
 *
 * @module
 */

import type { Host } from "../ethernet/interface.ts";
import { IpAddress } from "../ip_address.ts";
import type { IpOutput } from "../ip/output.ts";
import { Membership } from "./membership.ts";
import type { Packet } from "../ip/packet.ts";
import type { Random } from "../random.ts";
import { fold, sum, swap16 } from "../../runtime/memory/memory.ts";
import { ICMPV6, ICMPV6_TYPE } from "../wire/icmpv6.ts";
import { PROTOCOL } from "../wire/ipv4.ts";
import { emitIpv6, EXTENSION, IPV6, pseudoSum6 } from "../wire/ipv6.ts";

/** Length of a message. */
const SIZE = 24;
const GROUP = 8;
/** The hop-by-hop header: router alert (RFC 2711), of two zero bytes, and padding of two; as its words lie in memory. */
const ALERT_SIZE = 8;
const ALERT = PROTOCOL.ICMPV6 | 5 << 16 | 2 << 24;
const ALERT_VALUE = 0x00010000;
const ALL_ROUTERS = IpAddress.parse("ff02::2")!;

/** See the module's description. */
export class Mld {
  /** The groups of IPv6. */
  readonly membership: Membership;
  readonly #host: Host;
  readonly #output: IpOutput;

  /** Makes the protocol of a host. */
  constructor(host: Host, output: IpOutput, random: Random) {
    this.#host = host;
    this.#output = output;
    this.membership = new Membership(host, random, {
      report: (group) => this.#send(ICMPV6_TYPE.LISTENER_REPORT, group, group),
      done: (group) => this.#send(ICMPV6_TYPE.LISTENER_DONE, group, ALL_ROUTERS),
    });
  }

  /** A message came, whose checksum is right. */
  receive(packet: Packet, type: number): void {
    const { memory, payload, length, hopLimit } = packet;
    if (length < SIZE || hopLimit !== 1 || !packet.source.isLinkLocal) return;
    const { i32, u16 } = memory;
    const word = (payload + GROUP) >> 2;
    const group = new IpAddress(6, i32[word]!, i32[word + 1]!, i32[word + 2]!, i32[word + 3]!);
    if (type === ICMPV6_TYPE.LISTENER_QUERY) {
      const most = swap16(u16[(payload + ICMPV6.WORD) >> 1]!);
      this.membership.queried(group.isUnspecified ? null : group, most);
    } else this.membership.heard(group);
  }

  #send(type: number, group: IpAddress, to: IpAddress): void {
    const neighbour = this.#output.route(to);
    const own = this.#output.addressing.own.find(({ address }) =>
      address.version === 6 && address.isLinkLocal
    )?.address;
    if (neighbour === null || own === undefined) return;
    const { iface } = neighbour;
    const frame = iface.reserve();
    if (frame < 0) return;
    const memory = iface.sendMemory;
    const { i32, u16 } = memory;
    const at = frame + iface.header;
    emitIpv6(memory, at, ALERT_SIZE + SIZE, EXTENSION.HOP_BY_HOP, 1, own, to);
    const word = (at + IPV6.SIZE) >> 2;
    i32[word] = ALERT;
    i32[word + 1] = ALERT_VALUE;
    i32[word + 2] = type;
    i32[word + 3] = 0;
    i32[word + 4] = group.w0;
    i32[word + 5] = group.w1;
    i32[word + 6] = group.w2;
    i32[word + 7] = group.w3;
    const message = at + IPV6.SIZE + ALERT_SIZE;
    const pseudo = pseudoSum6(own, to, PROTOCOL.ICMPV6) + swap16(SIZE);
    u16[(message + ICMPV6.CHECKSUM) >> 1] = ~fold(pseudo + sum(memory, message, SIZE));
    this.#host.counters.ipSent++;
    this.#host.counters.icmpSent++;
    neighbour.send(frame, IPV6.SIZE + ALERT_SIZE + SIZE);
  }
}
