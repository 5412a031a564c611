/**
 * ICMP for IPv6 (RFC 4443): answers echoes, tells others of their errors, and own protocols of theirs; and what goes by it,
 * Neighbor Discovery and listener discovery.
 *
 * @module
 */

import { BOUNDS } from "../bounds.ts";
import { Errno } from "../../error.ts";
import type { Host } from "../ethernet/interface.ts";
import { type ErrorListener, IcmpError } from "./icmp_error.ts";
import { copy, fold, type Memory, sum, swap16 } from "../../runtime/memory/memory.ts";
import type { IpAddress } from "../ip_address.ts";
import type { IpOutput } from "../ip/output.ts";
import type { Ndp } from "../ipv6/ndp.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import { Packet } from "../ip/packet.ts";
import { RateLimit } from "../time.ts";
import { swap32 } from "../wire/byte_order.ts";
import { PROTOCOL } from "../wire/ipv4.ts";
import { EXTENSION, FRAGMENT_HEADER, IPV6, pseudoSum6 } from "../wire/ipv6.ts";
import { ICMPV6, ICMPV6_TYPE, UNKNOWN_NEXT_HEADER, UNREACHABLE6 } from "../wire/icmpv6.ts";

/** An error with all that it quotes is no longer than this: the least MTU (RFC 4443, section 2.4). */
const LONGEST_ERROR = 1280;
/** Where the next header is, as a parameter problem points to it; with extension headers it may be elsewhere. */
const NEXT_HEADER_POINTER = IPV6.NEXT_HEADER;

/** Who takes the messages of listener discovery. */
export interface ListenerDiscovery {
  /** A message came, whose checksum is right. */
  receive(packet: Packet, type: number): void;
}

/** See the module's description. */
export class Icmpv6 {
  readonly #host: Host;
  readonly #output: IpOutput;
  readonly #ndp: Ndp;
  readonly #mld: ListenerDiscovery;
  readonly #listeners: { readonly tcp: ErrorListener; readonly udp: ErrorListener };
  readonly #limit: RateLimit;
  readonly #error = new IcmpError(new Packet());

  /** Makes the protocol of a host; `listeners` learn what became of what they sent. */
  constructor(
    host: Host,
    output: IpOutput,
    ndp: Ndp,
    mld: ListenerDiscovery,
    listeners: { readonly tcp: ErrorListener; readonly udp: ErrorListener },
  ) {
    this.#host = host;
    this.#output = output;
    this.#ndp = ndp;
    this.#mld = mld;
    this.#listeners = listeners;
    this.#limit = new RateLimit(BOUNDS.ICMP_ERRORS, host.time);
  }

  /** A message came. */
  receive(packet: Packet): void {
    const { memory, payload, length } = packet;
    if (length < ICMPV6.SIZE) return;
    if (fold(sum(memory, payload, length) + packet.pseudoSum) !== 0xffff) return;
    this.#host.counters.icmpReceived++;
    const type = memory.u8[payload]!;
    switch (type) {
      case ICMPV6_TYPE.ECHO:
        if (!packet.group) this.#reply(packet);
        return;
      case ICMPV6_TYPE.NEIGHBOR_SOLICITATION:
      case ICMPV6_TYPE.NEIGHBOR_ADVERTISEMENT:
        return this.#ndp.receive(packet, type);
      case ICMPV6_TYPE.LISTENER_QUERY:
      case ICMPV6_TYPE.LISTENER_REPORT:
        return this.#mld.receive(packet, type);
      case ICMPV6_TYPE.UNREACHABLE:
      case ICMPV6_TYPE.PACKET_TOO_BIG:
      case ICMPV6_TYPE.TIME_EXCEEDED:
      case ICMPV6_TYPE.PARAMETER_PROBLEM:
        return this.#fail(packet, type);
    }
  }

  /** Tells the source of a datagram that nobody has its port. */
  portUnreachable(packet: Packet): void {
    this.#tell(packet, ICMPV6_TYPE.UNREACHABLE, UNREACHABLE6.PORT, 0);
  }

  /** See {@linkcode ErrorSender.protocolUnreachable}. */
  protocolUnreachable(packet: Packet): void {
    const { PARAMETER_PROBLEM } = ICMPV6_TYPE;
    this.#tell(packet, PARAMETER_PROBLEM, UNKNOWN_NEXT_HEADER, swap32(NEXT_HEADER_POINTER));
  }

  #reply(packet: Packet): void {
    const { memory, payload, length, source, destination } = packet;
    const output = this.#output;
    const neighbour = output.route(source);
    if (neighbour === null || !output.begin(neighbour, source, length)) return;
    copy(memory, payload, output.memory, output.at, length);
    output.memory.u16[output.at >> 1] = ICMPV6_TYPE.ECHO_REPLY;
    this.#send(neighbour, output.memory, output.at, length, destination, source);
  }

  /** Answers a packet with an error, unless that is forbidden (RFC 4443, section 2.4 (e)). */
  #tell(packet: Packet, type: number, code: number, word: number): void {
    const { memory, start, payload, length, protocol, source, head } = packet;
    if (packet.group || protocol === PROTOCOL.ICMPV6) return;
    if (source.isUnspecified || !this.#limit.spend()) return;
    const output = this.#output;
    const neighbour = output.route(source);
    // What was put together of fragments lies elsewhere than its header.
    const whole = head === null ? payload - start + length : head.u8.length;
    const quoted = Math.min(whole, LONGEST_ERROR - IPV6.SIZE - ICMPV6.SIZE);
    const size = ICMPV6.SIZE + quoted;
    if (neighbour === null || !output.begin(neighbour, source, size)) return;
    const { memory: to, at } = output;
    to.i32[at >> 2] = type | code << 8;
    to.i32[(at + ICMPV6.WORD) >> 2] = word;
    copy(head ?? memory, head === null ? start : 0, to, at + ICMPV6.SIZE, quoted);
    this.#send(neighbour, to, at, size, packet.destination, source);
  }

  #send(
    neighbour: Neighbour,
    memory: Memory,
    at: number,
    length: number,
    from: IpAddress,
    to: IpAddress,
  ): void {
    const { u16 } = memory;
    u16[(at + ICMPV6.CHECKSUM) >> 1] = 0;
    const pseudo = pseudoSum6(from, to, PROTOCOL.ICMPV6) + swap16(length);
    u16[(at + ICMPV6.CHECKSUM) >> 1] = ~fold(pseudo + sum(memory, at, length));
    this.#host.counters.icmpSent++;
    this.#output.send(neighbour, length, PROTOCOL.ICMPV6, from, to);
  }

  /** An own packet did not arrive, says somebody: who sent such packets judges whether that can be. */
  #fail(packet: Packet, type: number): void {
    const { memory, payload, length } = packet;
    const at = payload + ICMPV6.SIZE;
    const { i32, u8 } = memory;
    const quoted = length - ICMPV6.SIZE;
    if (quoted < IPV6.SIZE + 8 || (u8[at]! & 0xf0) !== 0x60) return;
    const error = this.#error;
    error.quoted.address6(memory, (at + IPV6.SOURCE) >> 2);
    error.memory = memory;
    error.payload = at + IPV6.SIZE;
    error.protocol = u8[at + IPV6.NEXT_HEADER]!;
    if (error.protocol === EXTENSION.FRAGMENT) {
      // The first fragment of a datagram tells the ports.
      const isFirst = (memory.u16[(error.payload + FRAGMENT_HEADER.OFFSET) >> 1]! & 0xf8ff) === 0;
      if (!isFirst || quoted < IPV6.SIZE + FRAGMENT_HEADER.SIZE + 8) return;
      error.protocol = u8[error.payload]!;
      error.payload += FRAGMENT_HEADER.SIZE;
    }
    error.hard = false;
    error.mtu = 0;
    if (type === ICMPV6_TYPE.PACKET_TOO_BIG) {
      error.errno = 0;
      error.mtu = swap32(i32[(payload + ICMPV6.WORD) >> 2]!) & 0xffff;
    } else if (type === ICMPV6_TYPE.UNREACHABLE) {
      const code = u8[payload + ICMPV6.CODE]!;
      error.hard = code === UNREACHABLE6.PORT;
      error.errno = error.hard
        ? Errno.ECONNREFUSED
        : code === UNREACHABLE6.NO_ROUTE
        ? Errno.ENETUNREACH
        : Errno.EHOSTUNREACH;
    } else {
      error.errno = type === ICMPV6_TYPE.TIME_EXCEEDED ? Errno.EHOSTUNREACH : Errno.EPROTO;
    }
    if (error.protocol === PROTOCOL.TCP) this.#listeners.tcp.failed(error);
    else if (error.protocol === PROTOCOL.UDP) this.#listeners.udp.failed(error);
  }
}
