/**
 * One host: its addresses and routes, what comes in is given to whom it is for, what goes out finds its way.
 *
 * The stack is a pure function of its state, the frames that come, and the time that it is told. It reads no clock, has no
 * timer of anybody's, and takes randomness from a generator that it is given. Time passes in {@linkcode Stack.poll} and
 * {@linkcode Stack.advance} alone.
 *
 * @module
 */

import { Addressing, linkLocalOf, solicitedNode } from "./ip/addressing.ts";
import { aligned } from "./ethernet/aligned.ts";
import { Arp } from "./arp/arp.ts";
import { BOUNDS } from "./bounds.ts";
import { algorithmOf } from "./tcp/congestion/algorithms.ts";
import { checkOptions } from "../check.ts";
import type { CongestionControl } from "./tcp/congestion/congestion.ts";
import type { BufferHeap } from "../runtime/memory/heap.ts";
import { Counters } from "./counters.ts";
import { DemikernelError } from "../error.ts";
import type { Device } from "./device.ts";
import { type Host, Interface, type PacketHandler } from "./ethernet/interface.ts";
import { Icmpv4 } from "./icmp/icmpv4.ts";
import { Icmpv6 } from "./icmp/icmpv6.ts";
import { Igmp } from "./multicast/igmp.ts";
import { IpAddress } from "./ip_address.ts";
import { IpInput } from "./ip/input.ts";
import { IpOutput } from "./ip/output.ts";
import { Ipv4Input } from "./ipv4/input.ts";
import { Ipv6Input } from "./ipv6/input.ts";
import { LoopbackDevice } from "./ethernet/loopback.ts";
import { MacAddress } from "./wire/ethernet.ts";
import { makeKey } from "./hash.ts";
import type { Membership } from "./multicast/membership.ts";
import { Mld } from "./multicast/mld.ts";
import { Ndp } from "./ipv6/ndp.ts";
import { Neighbour, type Resolver } from "./ethernet/neighbour.ts";
import type { Random } from "./random.ts";
import { Reassembly } from "./ip/reassembly.ts";
import { Tcp } from "./tcp/tcp.ts";
import { Time } from "./time.ts";
import { Timer, TimerHeap } from "../runtime/scheduler/timers.ts";
import { Udp } from "./udp/udp.ts";

/** Between two announcements of an address, in milliseconds (ANNOUNCE_INTERVAL of RFC 5227, section 1.1). */
const ANNOUNCE_INTERVAL = 2000;

/** A route: which network is reached through which router. */
export interface RouteOptions {
  /** The network, such as `192.168.0.0/16`; `0.0.0.0/0` or `::/0` for everything else. */
  readonly to: string;
  /** The router, an address on the link. */
  readonly via: string;
}

/** Where a host is: its addresses, and the way to others. */
export interface AddressOptions {
  /** Its addresses, with the length of the network's prefix: `10.0.0.2/24`, `fd00::2/64`. */
  readonly addresses: readonly string[];
  /** Routers for everything that is not on the link: one of IPv4, one of IPv6. */
  readonly gateways?: readonly string[];
  /** More routes. */
  readonly routes?: readonly RouteOptions[];
  /** Neighbours that are known and never asked for: IP address to Ethernet address, `02:00:00:00:00:01`. */
  readonly neighbours?: Readonly<Record<string, string>>;
}

/** How TCP of a host behaves. */
export interface TcpOptions {
  /** How congestion windows grow and shrink, unless a socket says otherwise; `"cubic"` by default. */
  readonly congestion?: "cubic" | "reno";
  /**
   * Whether it asks for explicit congestion notification when it connects (RFC 3168); false by default, as on Linux. Who asks
   * for it gets it in any case.
   */
  readonly ecn?: boolean;
}

/** The algorithm that a host uses. Throws {@linkcode DemikernelError} `EINVAL` for what is none. */
export function congestionOf({ congestion = "cubic" }: TcpOptions): CongestionControl {
  return algorithmOf(congestion, "open");
}

/** Throws {@linkcode DemikernelError} `EINVAL` for options of a host that are of the wrong kind. */
export function checkHostOptions(
  call: string,
  options: Partial<AddressOptions & TcpOptions>,
): void {
  checkOptions(call, options, {
    addresses: "an array",
    gateways: "an array",
    routes: "an array",
    neighbours: "an object",
    congestion: "a string",
    ecn: "true or false",
  });
  for (const route of options.routes ?? []) {
    checkOptions(call, route, { to: "a string", via: "a string" });
  }
}

/** How a host is made. */
export interface StackOptions extends AddressOptions, TcpOptions {
  /** Where randomness comes from. */
  readonly random: Random;
  /** Where what is received is kept until it is taken. */
  readonly heap: BufferHeap;
}

/** See the module's description. */
export class Stack implements PacketHandler {
  /** The time that it was told. */
  readonly time: Time = new Time();
  /** What it counts. */
  readonly counters: Counters = new Counters();
  /** Its addresses and routes. */
  declare readonly addressing: Addressing;
  /** The interface over the device. */
  declare readonly interface: Interface;
  /** TCP. */
  declare readonly tcp: Tcp;
  /** UDP. */
  declare readonly udp: Udp;
  readonly #timers = new TimerHeap();
  readonly #loopback: LoopbackDevice;
  readonly #itself: Interface;
  readonly #arp: Arp;
  readonly #ndp: Ndp;
  readonly #igmp: Igmp;
  readonly #mld: Mld;
  readonly #ipv4: Ipv4Input;
  readonly #ipv6: Ipv6Input;

  /**
   * Makes a host over a device, which stays the caller's to close. Throws {@linkcode DemikernelError} `EINVAL` for what is
   * no address or route.
   */
  constructor(device: Device, options: StackOptions) {
    const { heap, random } = options;
    const host: Host = { time: this.time, timers: this.#timers, counters: this.counters };
    const addressing = new Addressing(options, linkLocalOf(device.mac));
    this.addressing = addressing;
    this.#arp = new Arp({
      isOwn: (word) =>
        addressing.own.some(({ address }) => address.version === 4 && address.w3 === word),
      ownFor: (target) => addressing.sourceFor(target, target)?.w3 ?? 0,
    });
    // What a neighbour is asked by needs the way out, which needs the interfaces, which know their neighbours.
    const resolvers: [Resolver, Resolver] = [this.#arp, this.#arp];
    this.interface = new Interface(aligned(device, heap.linear), host, this, resolvers);
    this.#loopback = new LoopbackDevice(heap.linear);
    this.#itself = new Interface(this.#loopback, host, this, resolvers);
    const loopback = [IpAddress.parse("127.0.0.1")!, IpAddress.parse("::1")!] as const;
    const output = new IpOutput(host, addressing, this.interface, this.#itself, loopback, random);
    this.#ndp = resolvers[1] = new Ndp(host, output);
    this.tcp = new Tcp(host, output, heap, makeKey(random), random);
    this.tcp.asksForEcn = options.ecn === true;
    this.udp = new Udp(host, output, heap, makeKey(random), (packet) => {
      (packet.version === 4 ? icmp : icmpv6).portUnreachable(packet);
    });
    this.#igmp = new Igmp(host, output, random);
    this.#mld = new Mld(host, output, random);
    const listeners = { tcp: this.tcp, udp: this.udp };
    const icmp = new Icmpv4(host, output, listeners);
    const icmpv6 = new Icmpv6(host, output, this.#ndp, this.#mld, listeners);
    const { tcp, udp } = this;
    const input = new IpInput(host, { tcp, udp, icmp, icmpv6, igmp: this.#igmp });
    const reassembly = new Reassembly(this.counters, this.time, this.#timers, (head) => {
      // Of IPv6 it is left to the sender's own patience.
      if ((head[0]! & 0xf0) === 0x40) icmp.reassemblyTimedOut(head);
    });
    this.#ipv4 = new Ipv4Input(host, addressing, reassembly, input, tcp);
    this.#ipv6 = new Ipv6Input(host, addressing, reassembly, input);
    for (const [address, mac] of Object.entries(options.neighbours ?? {})) {
      this.#addNeighbour(address, mac);
    }
  }

  /**
   * Tells the link of the own addresses. Called once, when the device is ready. Those of IPv4 are told once more a while later,
   * as RFC 5227, section 2.3, has it (ANNOUNCE_NUM).
   */
  announce(): void {
    const again = new Timer(() => this.#announce4());
    this.#timers.arm(again, this.time.now + ANNOUNCE_INTERVAL);
    this.#announce4();
    for (const { address } of this.addressing.own) {
      if (address.version === 4) continue;
      this.#mld.membership.join(solicitedNode(address));
      this.#ndp.announce(address);
    }
    this.flush();
  }

  /**
   * One turn, at a time in milliseconds of any clock: receives one burst, does what is due, sends everything that this
   * caused, and kicks the device once. Says how much was done.
   */
  poll(now: number): number {
    this.time.advance(now);
    let work = this.#loopback.pending > 0 ? this.#loopback.receive(this.#itself, BOUNDS.BURST) : 0;
    work += this.interface.device.receive(this.interface, BOUNDS.BURST);
    if (this.#timers.deadline <= now) work += this.#timers.fire(now);
    if (this.tcp.isPending) this.tcp.flush();
    this.interface.flush();
    return work;
  }

  /** When it has to be polled next although no frame comes, on the clock of `poll`; Infinity for never. */
  deadline(): number {
    if (this.#loopback.pending > 0 || this.tcp.isPending) return -Infinity;
    return this.#timers.deadline;
  }

  /** Tells the time outside of a poll, before a call that comes after a sleep. */
  advance(now: number): void {
    this.time.advance(now);
  }

  /** Kicks the device, if anything was committed since it was kicked last. */
  flush(): void {
    this.interface.flush();
  }

  /** One more socket is in a group. Throws {@linkcode DemikernelError} `ENOBUFS`. */
  join(group: IpAddress): void {
    if (this.addressing.join(group)) this.#membership(group).join(group);
    this.flush();
  }

  /** One less is in a group. */
  leave(group: IpAddress): void {
    if (this.addressing.leave(group)) this.#membership(group).leave(group);
    this.flush();
  }

  /** See {@linkcode PacketHandler.arp}. */
  arp(iface: Interface, at: number, length: number): void {
    if (iface === this.interface) this.#arp.receive(iface, at, length);
  }

  /** See {@linkcode PacketHandler.ipv4}. */
  ipv4(iface: Interface, at: number, length: number, verified: boolean, group: boolean): void {
    this.#ipv4.receive(iface, at, length, verified, group);
  }

  /** See {@linkcode PacketHandler.ipv6}. */
  ipv6(iface: Interface, at: number, length: number, verified: boolean, group: boolean): void {
    this.#ipv6.receive(iface, at, length, verified, group);
  }

  /** See {@linkcode PacketHandler.unreachable}. */
  unreachable(neighbour: Neighbour): void {
    this.tcp.unreachable(neighbour);
  }

  #announce4(): void {
    for (const { address } of this.addressing.own) {
      if (address.version === 4) this.#arp.announce(this.interface, address.w3);
    }
  }

  #membership({ version }: IpAddress): Membership {
    return (version === 4 ? this.#igmp : this.#mld).membership;
  }

  #addNeighbour(text: string, macText: string): void {
    const address = IpAddress.parse(text);
    const mac = MacAddress.parse(macText);
    if (address === null || mac === null) {
      throw new DemikernelError("EINVAL", "configure stack", {
        detail: `${text} at ${macText} is no neighbour: an IP and an Ethernet address are needed`,
      });
    }
    const neighbour = new Neighbour(address, this.interface);
    neighbour.fix(mac);
    neighbour.users++;
    this.interface.neighbours.add(neighbour);
  }
}
