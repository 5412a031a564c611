/**
 * The Internet Group Management Protocol, version 2 (RFC 2236).
 *
 * @module
 */

import type { Host } from "../ethernet/interface.ts";
import { IpAddress } from "../ip_address.ts";
import type { IpOutput } from "../ip/output.ts";
import { Membership } from "./membership.ts";
import type { Packet } from "../ip/packet.ts";
import type { Random } from "../random.ts";
import { sum, swap16 } from "../../runtime/memory/memory.ts";
import { IPV4, PROTOCOL } from "../wire/ipv4.ts";

const QUERY = 0x11;
const REPORT = 0x16;
const LEAVE = 0x17;
/** Length of a message. */
const SIZE = 8;
/** The header of the packet, with the router alert option (RFC 2113). */
const HEADER = IPV4.SIZE + 4;
const ROUTER_ALERT = 0x00000494;
/** Routers of version 1 tell no time to answer in; theirs is ten seconds. */
const VERSION_1_TIME = 10_000;
const ALL_ROUTERS = IpAddress.parse("224.0.0.2")!;

/** See the module's description. */
export class Igmp {
  /** The groups of IPv4. */
  readonly membership: Membership;
  readonly #host: Host;
  readonly #output: IpOutput;

  /** Makes the protocol of a host. */
  constructor(host: Host, output: IpOutput, random: Random) {
    this.#host = host;
    this.#output = output;
    this.membership = new Membership(host, random, {
      report: (group) => this.#send(REPORT, group, group),
      done: (group) => this.#send(LEAVE, group, ALL_ROUTERS),
    });
  }

  /** A message came. */
  receive(packet: Packet): void {
    const { memory, payload, length } = packet;
    if (length < SIZE || sum(memory, payload, length) !== 0xffff) return;
    const { i32, u8 } = memory;
    const group = i32[(payload + 4) >> 2]!;
    const type = u8[payload]!;
    if (type === QUERY) {
      const most = u8[payload + 1]! * 100 || VERSION_1_TIME;
      this.membership.queried(group === 0 ? null : IpAddress.v4(group), most);
    } else if (type === REPORT) this.membership.heard(IpAddress.v4(group));
  }

  #send(type: number, group: IpAddress, to: IpAddress): void {
    const neighbour = this.#output.route(to);
    const own = this.#output.addressing.sourceFor(to, to);
    if (neighbour === null || own === null) return;
    const { iface } = neighbour;
    const frame = iface.reserve();
    if (frame < 0) return;
    const memory = iface.sendMemory;
    const { i32, u16 } = memory;
    const at = frame + iface.header;
    const word = at >> 2;
    i32[word] = 0x46 | swap16(HEADER + SIZE) << 16;
    i32[word + 1] = 0;
    i32[word + 2] = 1 | PROTOCOL.IGMP << 8;
    i32[word + 3] = own.w3;
    i32[word + 4] = to.w3;
    i32[word + 5] = ROUTER_ALERT;
    u16[(at + IPV4.CHECKSUM) >> 1] = ~sum(memory, at, HEADER);
    i32[word + 6] = type;
    i32[word + 7] = group.w3;
    u16[(at + HEADER + 2) >> 1] = ~sum(memory, at + HEADER, SIZE);
    this.#host.counters.ipSent++;
    neighbour.send(frame, HEADER + SIZE);
  }
}
