/**
 * ICMP for IPv4 (RFC 792, RFC 1122 section 3.2.2): answers echoes, tells others of their errors, and own protocols of theirs.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { Errno } from "../../error.ts";
import type { Host } from "../ethernet/interface.ts";
import { type ErrorListener, IcmpError } from "./icmp_error.ts";
import { copy, sum, swap16 } from "../../runtime/memory/memory.ts";
import { IpAddress } from "../ip_address.ts";
import type { IpOutput } from "../ip/output.ts";
import { Packet } from "../ip/packet.ts";
import { RateLimit } from "../time.ts";
import { ICMP, ICMP_TYPE, REASSEMBLY_TIME, UNREACHABLE } from "../wire/icmp.ts";
import { FRAGMENT, IPV4, PROTOCOL } from "../wire/ipv4.ts";

/** An error with all that it quotes is no longer than this (RFC 1812, section 4.3.2.3). */
const LONGEST_ERROR = 576;

/** See the module's description. */
export class Icmpv4 {
  readonly #host: Host;
  readonly #output: IpOutput;
  readonly #listeners: { readonly tcp: ErrorListener; readonly udp: ErrorListener };
  readonly #limit: RateLimit;
  readonly #error = new IcmpError(new Packet());

  /** Makes the protocol of a host; `listeners` learn what became of what they sent. */
  constructor(
    host: Host,
    output: IpOutput,
    listeners: { readonly tcp: ErrorListener; readonly udp: ErrorListener },
  ) {
    this.#host = host;
    this.#output = output;
    this.#listeners = listeners;
    this.#limit = new RateLimit(BOUNDS.ICMP_ERRORS, host.time);
  }

  /** A message came. */
  receive(packet: Packet): void {
    const { memory, payload, length } = packet;
    if (length < ICMP.SIZE || sum(memory, payload, length) !== 0xffff) return;
    this.#host.counters.icmpReceived++;
    const type = memory.u8[payload]!;
    // Whoever pings all hosts is not answered by all (RFC 1122, section 3.2.2.6 allows that).
    if (type === ICMP_TYPE.ECHO && !packet.group) this.#reply(packet);
    else if (
      type === ICMP_TYPE.UNREACHABLE || type === ICMP_TYPE.TIME_EXCEEDED ||
      type === ICMP_TYPE.PARAMETER_PROBLEM
    ) {
      this.#fail(packet, type);
    }
  }

  /** Tells the source of a datagram that nobody has its port. */
  portUnreachable(packet: Packet): void {
    this.#tell(packet, ICMP_TYPE.UNREACHABLE, UNREACHABLE.PORT);
  }

  /** See {@linkcode ErrorSender.protocolUnreachable}. */
  protocolUnreachable(packet: Packet): void {
    this.#tell(packet, ICMP_TYPE.UNREACHABLE, UNREACHABLE.PROTOCOL);
  }

  /** Tells the source of a datagram whose first fragment, or its beginning, is given that the others did not come. */
  reassemblyTimedOut(head: Uint8Array<ArrayBuffer>): void {
    const view = new DataView(head.buffer);
    const source = IpAddress.v4(view.getInt32(IPV4.SOURCE, true));
    const own = IpAddress.v4(view.getInt32(IPV4.DESTINATION, true));
    if (!this.#output.addressing.isOwn(own) || !this.#limit.spend()) return;
    this.#send(own, source, ICMP_TYPE.TIME_EXCEEDED, REASSEMBLY_TIME, head, 0, head.length);
  }

  #reply(packet: Packet): void {
    const { memory, payload, length } = packet;
    const output = this.#output;
    const { source, destination } = packet;
    const neighbour = output.route(source);
    if (neighbour === null || !output.begin(neighbour, source, length)) return;
    const to = output.memory;
    const { at } = output;
    copy(memory, payload, to, at, length);
    to.u16[at >> 1] = ICMP_TYPE.ECHO_REPLY;
    to.u16[(at + ICMP.CHECKSUM) >> 1] = 0;
    to.u16[(at + ICMP.CHECKSUM) >> 1] = ~sum(to, at, length);
    this.#host.counters.icmpSent++;
    output.send(neighbour, length, PROTOCOL.ICMP, destination, source);
  }

  /** Answers a packet with an error, unless that is forbidden (RFC 1122, section 3.2.2). */
  #tell(packet: Packet, type: number, code: number): void {
    const { memory, start, payload, length, protocol, head, source, destination } = packet;
    if (packet.group || protocol === PROTOCOL.ICMP || !this.#limit.spend()) return;
    // What was put together of fragments lies elsewhere than its header.
    const most = LONGEST_ERROR - IPV4.SIZE - ICMP.SIZE;
    const whole = head === null ? payload - start + length : head.u8.length;
    const { u8 } = head ?? memory;
    const from = head === null ? start : 0;
    this.#send(destination, source, type, code, u8, from, Math.min(whole, most));
  }

  #send(
    own: IpAddress,
    to: IpAddress,
    type: number,
    code: number,
    quote: Uint8Array,
    start: number,
    quoted: number,
  ): void {
    const output = this.#output;
    const neighbour = output.route(to);
    const length = ICMP.SIZE + quoted;
    if (to.isUnspecified || neighbour === null || !output.begin(neighbour, to, length)) return;
    const { memory, at } = output;
    memory.u16[at >> 1] = type | code << 8;
    memory.u16[(at + ICMP.CHECKSUM) >> 1] = 0;
    memory.i32[(at + ICMP.IDENTIFIER) >> 2] = 0;
    for (let i = 0; i < quoted; i++) memory.u8[at + ICMP.SIZE + i] = quote[start + i]!;
    memory.u16[(at + ICMP.CHECKSUM) >> 1] = ~sum(memory, at, length);
    this.#host.counters.icmpSent++;
    output.send(neighbour, length, PROTOCOL.ICMP, own, to);
  }

  /** An own packet did not arrive, says somebody: who sent such packets judges whether that can be. */
  #fail(packet: Packet, type: number): void {
    const { memory, payload, length } = packet;
    const at = payload + ICMP.SIZE;
    const quoted = length - ICMP.SIZE;
    if (quoted < IPV4.SIZE || (memory.u8[at]! & 0xf0) !== 0x40) return;
    const { i32, u16, u8 } = memory;
    const header = (u8[at]! & 0xf) << 2;
    const fragment = swap16(u16[(at + IPV4.FRAGMENT) >> 1]!);
    if (header < IPV4.SIZE || quoted < header + 8 || (fragment & FRAGMENT.OFFSET) !== 0) return;
    const error = this.#error;
    error.quoted.address4(i32[(at + IPV4.SOURCE) >> 2]!, i32[(at + IPV4.DESTINATION) >> 2]!);
    error.memory = memory;
    error.payload = at + header;
    error.protocol = u8[at + IPV4.PROTOCOL]!;
    this.#judge(type, u8[payload + ICMP.CODE]!, swap16(u16[(payload + ICMP.NEXT_HOP_MTU) >> 1]!));
    if (error.protocol === PROTOCOL.TCP) this.#listeners.tcp.failed(error);
    else if (error.protocol === PROTOCOL.UDP) this.#listeners.udp.failed(error);
  }

  /** What a type and code mean (RFC 1122, sections 3.2.2.1 and 4.2.3.9). */
  #judge(type: number, code: number, mtu: number): void {
    const error = this.#error;
    error.hard = false;
    error.mtu = 0;
    if (type !== ICMP_TYPE.UNREACHABLE) {
      error.errno = type === ICMP_TYPE.TIME_EXCEEDED ? Errno.EHOSTUNREACH : Errno.EPROTO;
    } else if (code === UNREACHABLE.FRAGMENTATION_NEEDED) {
      error.errno = 0;
      // A router from before RFC 1191 tells none.
      error.mtu = mtu || 576;
    } else if (code === UNREACHABLE.PORT || code === UNREACHABLE.PROTOCOL) {
      error.hard = true;
      error.errno = code === UNREACHABLE.PORT ? Errno.ECONNREFUSED : Errno.ENOPROTOOPT;
    } else {
      error.errno = code === UNREACHABLE.NET ? Errno.ENETUNREACH : Errno.EHOSTUNREACH;
    }
  }
}
