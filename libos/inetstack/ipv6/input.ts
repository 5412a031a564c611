/**
 * What comes by IPv6 (RFC 8200): looked at, its extension headers skipped, put together, given on.
 *
 * @module
 */

import type { Addressing } from "../ip/addressing.ts";
import type { Host, Interface } from "../ethernet/interface.ts";
import type { IpInput } from "../ip/input.ts";
import { swap16 } from "../../runtime/memory/memory.ts";
import type { Packet } from "../ip/packet.ts";
import type { Reassembly } from "../ip/reassembly.ts";
import { swap32 } from "../wire/byte_order.ts";
import { EXTENSION, FRAGMENT_HEADER, IPV6 } from "../wire/ipv6.ts";

/** More extension headers than that are nobody's honest choice. */
const EXTENSIONS = 8;

/** See the module's description. */
export class Ipv6Input {
  readonly #host: Host;
  readonly #addressing: Addressing;
  readonly #reassembly: Reassembly;
  readonly #input: IpInput;

  /** Makes the input of a host; packets that are whole go on to `input`. */
  constructor(host: Host, addressing: Addressing, reassembly: Reassembly, input: IpInput) {
    this.#host = host;
    this.#addressing = addressing;
    this.#reassembly = reassembly;
    this.#input = input;
  }

  /** A packet came, of at most `length` bytes: a short one is padded on Ethernet. */
  receive(iface: Interface, at: number, length: number, verified: boolean, group: boolean): void {
    const { counters } = this.#host;
    const { memory } = iface;
    const { i32, u8 } = memory;
    counters.ipReceived++;
    const word = at >> 2;
    const size = length < IPV6.SIZE ? -1 : swap16(i32[word + 1]! & 0xffff);
    if (size < 0 || (i32[word]! & 0xf0) !== 0x60 || IPV6.SIZE + size > length) {
      counters.ipHeaderErrors++;
      return;
    }
    const { packet } = this.#input;
    packet.address6(memory, word + 2);
    if (!this.#isForUs(packet, iface)) {
      counters.ipAddressErrors++;
      return;
    }
    // A group sends nothing (RFC 4291, section 2.7), and `::1` nothing on a link.
    const loop = (packet.s0 | packet.s1 | packet.s2) === 0 && packet.s3 === 0x01000000;
    if ((packet.s0 & 0xff) === 0xff || (loop && iface.device.name !== "lo")) {
      counters.ipHeaderErrors++;
      return;
    }
    packet.iface = iface;
    packet.memory = memory;
    packet.head = null;
    packet.start = at;
    packet.payload = at + IPV6.SIZE;
    packet.length = size;
    packet.protocol = u8[at + IPV6.NEXT_HEADER]!;
    packet.hopLimit = u8[at + IPV6.HOP_LIMIT]!;
    packet.verified = verified;
    packet.ecn = (u8[at + 1]! >> 4) & 3;
    packet.group = group || packet.group;
    if (this.#skipExtensions(packet)) this.#input.deliver();
  }

  #isForUs(packet: Packet, iface: Interface): boolean {
    const { d0, d1, d2, d3 } = packet;
    packet.group = false;
    if (this.#addressing.has(d0, d1, d2, d3)) return true;
    if ((d0 | d1 | d2) === 0 && d3 === 0x01000000) return iface.device.name === "lo";
    packet.group = true;
    return (d0 & 0xff) === 0xff && this.#addressing.isJoined(d0, d1, d2, d3);
  }

  /** Says whether the packet is whole, and what it carries is known. */
  #skipExtensions(packet: Packet): boolean {
    for (let i = 0; i < EXTENSIONS; i++) {
      switch (packet.protocol) {
        case EXTENSION.HOP_BY_HOP:
          if (i > 0) return this.#refuse();
          break;
        case EXTENSION.DESTINATION:
          break;
        case EXTENSION.ROUTING:
          // Nobody is routed through here (RFC 5095).
          if (packet.length >= 4 && packet.memory.u8[packet.payload + 3] !== 0) {
            return this.#refuse();
          }
          break;
        case EXTENSION.FRAGMENT:
          if (!this.#reassemble(packet)) return false;
          continue;
        case EXTENSION.NONE:
          return false;
        default:
          return true;
      }
      const size = packet.length < 8 ? -1 : 8 * (packet.memory.u8[packet.payload + 1]! + 1);
      if (size < 0 || size > packet.length) return this.#refuse();
      packet.protocol = packet.memory.u8[packet.payload]!;
      packet.payload += size;
      packet.length -= size;
    }
    return this.#refuse();
  }

  #reassemble(packet: Packet): boolean {
    if (packet.length < FRAGMENT_HEADER.SIZE) return this.#refuse();
    const { u16, u8, i32 } = packet.memory;
    const at = packet.payload;
    const word = swap16(u16[(at + FRAGMENT_HEADER.OFFSET) >> 1]!);
    const id = swap32(i32[(at + FRAGMENT_HEADER.IDENTIFICATION) >> 2]!);
    packet.protocol = u8[at]!;
    packet.payload += FRAGMENT_HEADER.SIZE;
    packet.length -= FRAGMENT_HEADER.SIZE;
    const offset = word & ~7;
    const more = (word & 1) !== 0;
    // One that is whole already (RFC 6946).
    if (offset === 0 && !more) return true;
    const whole = this.#reassembly.add(packet, id, offset, more);
    if (whole < 0) return false;
    packet.memory = this.#reassembly.memory;
    packet.head = this.#reassembly.head;
    packet.payload = 0;
    packet.length = whole;
    packet.verified = false;
    return true;
  }

  #refuse(): false {
    this.#host.counters.ipHeaderErrors++;
    return false;
  }
}
