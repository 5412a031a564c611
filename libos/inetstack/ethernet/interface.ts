/**
 * An interface: one device with its neighbours. Frames that come are told apart here, and get their header here before
 * they go.
 *
 * @module
 */

import { type Device, ETHERNET_HEADER, type FrameSink } from "../device.ts";
import type { Counters } from "../counters.ts";
import { type Neighbour, NeighbourTable, type Resolver } from "./neighbour.ts";
import type { Memory } from "../../runtime/memory/memory.ts";
import type { Time } from "../time.ts";
import type { TimerHeap } from "../../runtime/scheduler/timers.ts";
import { emitEthernet, ETHERNET, ETHERTYPE, MacAddress } from "../wire/ethernet.ts";

// Constants of this module's own: V8 folds them into its code, and looks imported ones up each time.
const { SIZE, TYPE } = ETHERNET;
const { ARP, IPV4, IPV6, SERVICE_VLAN, VLAN } = ETHERTYPE;

/** Who takes the packets of an interface, and is told of its neighbours. */
export interface PacketHandler {
  /** A packet of ARP. */
  arp(iface: Interface, at: number, length: number): void;
  /** A packet of IPv4; `group` if its frame was to more than this host. */
  ipv4(iface: Interface, at: number, length: number, verified: boolean, group: boolean): void;
  /** A packet of IPv6. */
  ipv6(iface: Interface, at: number, length: number, verified: boolean, group: boolean): void;
  /** A neighbour did not answer. */
  unreachable(neighbour: Neighbour): void;
}

/** What the parts of a host share. */
export interface Host {
  /** The time that it was told. */
  readonly time: Time;
  /** Its timers. */
  readonly timers: TimerHeap;
  /** What it counts. */
  readonly counters: Counters;
}

/** See the module's description. */
export class Interface implements FrameSink {
  /** The device. */
  declare readonly device: Device;
  /** Its address. */
  declare readonly mac: MacAddress;
  /** Where its frames are received. */
  declare readonly memory: Memory;
  /** Where its frames are sent from. */
  declare readonly sendMemory: Memory;
  /** Length of the header before a packet. */
  readonly header: number = ETHERNET_HEADER;
  /** The time of the host. */
  declare readonly time: Time;
  /** The timers of the host. */
  declare readonly timers: TimerHeap;
  /** The counters of the host. */
  declare readonly counters: Counters;
  /** Its neighbours. */
  readonly neighbours: NeighbourTable = new NeighbourTable();
  readonly #handler: PacketHandler;
  readonly #resolvers: readonly [arp: Resolver, ndp: Resolver];
  /** Whether something was committed that the device was not kicked for. */
  #committed = false;

  /** Makes the interface of an aligned device. */
  constructor(
    device: Device,
    host: Host,
    handler: PacketHandler,
    resolvers: readonly [arp: Resolver, ndp: Resolver],
  ) {
    this.device = device;
    this.mac = MacAddress.of(device.mac);
    this.memory = device.receiveMemory;
    this.sendMemory = device.sendMemory;
    this.time = host.time;
    this.timers = host.timers;
    this.counters = host.counters;
    this.#handler = handler;
    this.#resolvers = resolvers;
  }

  /** See {@linkcode FrameSink.frame}. */
  frame(offset: number, length: number, verified: boolean): void {
    if (length < SIZE) {
      this.counters.foreignFrames++;
      return;
    }
    const { u16, i32 } = this.memory;
    const high = u16[offset >> 1]!;
    const { mac } = this;
    const group = (high & 1) !== 0;
    if (!group && (high !== mac.high || i32[(offset + 2) >> 2] !== mac.low)) {
      this.counters.foreignFrames++;
      return;
    }
    const type = u16[(offset + TYPE) >> 1]!;
    const at = offset + SIZE;
    const size = length - SIZE;
    if (type === IPV4) this.#handler.ipv4(this, at, size, verified, group);
    else if (type === IPV6) this.#handler.ipv6(this, at, size, verified, group);
    else if (type === ARP) this.#handler.arp(this, at, size);
    else if (type === VLAN || type === SERVICE_VLAN) {
      this.counters.taggedFrames++;
    } else this.counters.foreignFrames++;
  }

  /** The offset of a frame to write, whose packet begins behind its header; -1 if there is no room. */
  reserve(): number {
    return this.device.reserve();
  }

  /** Sends the packet in the reserved frame to a neighbour whose address is known. */
  commit(neighbour: Neighbour, frame: number, length: number): void {
    const type = neighbour.address.version === 4 ? IPV4 : IPV6;
    emitEthernet(this.sendMemory, frame, neighbour.high, neighbour.low, this.mac, type);
    this.#committed = true;
    this.device.commit(SIZE + length);
  }

  /** Sends what is in the reserved frame, which is not of IP, to an Ethernet address. */
  commitTo(high: number, low: number, type: number, frame: number, length: number): void {
    emitEthernet(this.sendMemory, frame, high, low, this.mac, type);
    this.#committed = true;
    this.device.commit(SIZE + length);
  }

  /** Kicks the device, if there is a reason to. */
  flush(): void {
    if (!this.#committed) return;
    this.#committed = false;
    this.device.flush();
  }

  /** Asks for the address of a neighbour. */
  solicit(neighbour: Neighbour, unicast: boolean): void {
    this.#resolvers[neighbour.address.version === 4 ? 0 : 1].solicit(neighbour, unicast);
  }

  /** A neighbour did not answer. */
  unreachable(neighbour: Neighbour): void {
    this.#handler.unreachable(neighbour);
  }
}
