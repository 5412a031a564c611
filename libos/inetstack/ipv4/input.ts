/**
 * What comes by IPv4 (RFC 791, RFC 1122 section 3.2): looked at, put together, given on.
 *
 * @module
 */

import type { Addressing } from "../ip/addressing.ts";
import type { Host, Interface } from "../ethernet/interface.ts";
import type { IpInput } from "../ip/input.ts";
import { swap16 } from "../../runtime/memory/memory.ts";
import type { Packet } from "../ip/packet.ts";
import type { Reassembly } from "../ip/reassembly.ts";
import type { Tcp } from "../tcp/tcp.ts";
import { ECN, FRAGMENT, IPV4, isIpv4, PROTOCOL } from "../wire/ipv4.ts";
import { TCP } from "../wire/tcp.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { TCP: PROTOCOL_TCP } = PROTOCOL;
const { SIZE: TCP_SIZE } = TCP;
const { DONT } = FRAGMENT;
/** A mark of congestion in the first word of the header. */
const CONGESTED = ECN.CONGESTED << 8;

/** See the module's description. */
export class Ipv4Input {
  readonly #host: Host;
  readonly #addressing: Addressing;
  readonly #reassembly: Reassembly;
  readonly #input: IpInput;
  readonly #tcp: Tcp;

  /** Makes the input of a host; packets that are whole go on to `input`, and what TCP expects to `tcp`. */
  constructor(
    host: Host,
    addressing: Addressing,
    reassembly: Reassembly,
    input: IpInput,
    tcp: Tcp,
  ) {
    this.#host = host;
    this.#addressing = addressing;
    this.#reassembly = reassembly;
    this.#input = input;
    this.#tcp = tcp;
  }

  /** A packet came, of at most `length` bytes: a short one is padded on Ethernet. */
  receive(iface: Interface, at: number, length: number, verified: boolean, group: boolean): void {
    const { memory } = iface;
    const { counters } = this.#host;
    counters.ipReceived++;
    if (!isIpv4(memory, at, length)) {
      counters.ipHeaderErrors++;
      return;
    }
    const { i32, u8 } = memory;
    const word = at >> 2;
    const first = i32[word]!;
    const header = (first & 0xf) << 2;
    const size = swap16(first >>> 16) - header;
    const fragment = swap16(i32[word + 1]! >>> 16);
    const source = i32[word + 3]!;
    const destination = i32[word + 4]!;
    if (
      (i32[word + 2]! & 0xff00) === PROTOCOL_TCP << 8 && size >= TCP_SIZE &&
      (fragment & ~DONT) === 0 && (first & CONGESTED) !== CONGESTED &&
      this.#tcp.takeExpected4(memory, at + header, size, source, destination, verified)
    ) {
      return;
    }
    const { packet } = this.#input;
    packet.address4(source, destination);
    if (!this.#isForUs(packet, iface)) {
      counters.ipAddressErrors++;
      return;
    }
    // A group or all hosts send nothing, and nobody who does is to be answered (RFC 1122, section 3.2.1.3).
    const loop = (source & 0xff) === 127 && iface.device.name !== "lo";
    if ((source & 0xf0) >= 0xe0 || loop || this.#addressing.isBroadcast4(source)) {
      counters.ipHeaderErrors++;
      return;
    }
    packet.iface = iface;
    packet.memory = memory;
    packet.head = null;
    packet.start = at;
    packet.payload = at + header;
    packet.length = size;
    packet.protocol = u8[at + IPV4.PROTOCOL]!;
    packet.hopLimit = u8[at + IPV4.TIME_TO_LIVE]!;
    packet.verified = verified;
    packet.ecn = (first >>> 8) & 3;
    packet.group = group || packet.group;
    if ((fragment & (FRAGMENT.MORE | FRAGMENT.OFFSET)) === 0) return this.#input.deliver();
    const offset = (fragment & FRAGMENT.OFFSET) << 3;
    const more = (fragment & FRAGMENT.MORE) !== 0;
    const id = swap16(i32[word + 1]! & 0xffff);
    const whole = this.#reassembly.add(packet, id, offset, more);
    if (whole < 0) return;
    packet.memory = this.#reassembly.memory;
    packet.head = this.#reassembly.head;
    packet.payload = 0;
    packet.length = whole;
    packet.verified = false;
    this.#input.deliver();
  }

  /** Whether it is for this host; tells the packet whether for others too. */
  #isForUs(packet: Packet, iface: Interface): boolean {
    const { d0, d1, d2, d3 } = packet;
    const addressing = this.#addressing;
    packet.group = false;
    if (addressing.has(d0, d1, d2, d3)) return true;
    if ((d3 & 0xff) === 127) return iface.device.name === "lo";
    packet.group = true;
    if (addressing.isBroadcast4(d3)) return true;
    return (d3 & 0xf0) === 0xe0 && addressing.isJoined(d0, d1, d2, d3);
  }
}
