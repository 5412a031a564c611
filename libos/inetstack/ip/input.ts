/**
 * Where packets that are whole and for this host go on, of either version.
 *
 * @module
 */

import type { Host } from "../ethernet/interface.ts";
import { Packet } from "./packet.ts";
import { PROTOCOL } from "../wire/ipv4.ts";

/** What is spoken over IP. */
export interface Transport {
  /** A packet came. */
  receive(packet: Packet): void;
}

/** What answers who speaks a protocol that nobody here does. */
export interface ErrorSender {
  /** Tells the source of a packet so. */
  protocolUnreachable(packet: Packet): void;
}

/** What a host speaks over IP. */
export interface Transports {
  /** TCP. */
  readonly tcp: Transport;
  /** UDP. */
  readonly udp: Transport;
  /** ICMP. */
  readonly icmp: Transport & ErrorSender;
  /** ICMP of IPv6. */
  readonly icmpv6: Transport & ErrorSender;
  /** IGMP. */
  readonly igmp: Transport;
}

/** See the module's description. */
export class IpInput {
  /** What is looked at. */
  readonly packet: Packet = new Packet();
  readonly #host: Host;
  readonly #transports: Transports;

  /** Makes the input of a host. */
  constructor(host: Host, transports: Transports) {
    this.#host = host;
    this.#transports = transports;
  }

  /** The packet is whole, and for this host. */
  deliver(): void {
    const { packet } = this;
    const { tcp, udp, icmp, icmpv6, igmp } = this.#transports;
    const four = packet.version === 4;
    switch (packet.protocol) {
      case PROTOCOL.TCP:
        // Connections are between two.
        if (!packet.group) tcp.receive(packet);
        return;
      case PROTOCOL.UDP:
        return udp.receive(packet);
      case PROTOCOL.ICMP:
        if (four) return icmp.receive(packet);
        break;
      case PROTOCOL.IGMP:
        if (four) return igmp.receive(packet);
        break;
      case PROTOCOL.ICMPV6:
        if (!four) return icmpv6.receive(packet);
    }
    this.#host.counters.ipUnknownProtocols++;
    (four ? icmp : icmpv6).protocolUnreachable(packet);
  }
}
