/**
 * The Internet Protocol, of both versions: what goes out is given its header here, whole or in fragments.
 *
 * @module
 */

import type { Addressing } from "./addressing.ts";
import type { Host, Interface } from "../ethernet/interface.ts";
import { fixGroup, Neighbour } from "../ethernet/neighbour.ts";
import type { IpAddress } from "../ip_address.ts";
import { copy, Memory, swap16 } from "../../runtime/memory/memory.ts";
import { PathMtuTable } from "./path_mtu.ts";
import type { Random } from "../random.ts";
import { swap32 } from "../wire/byte_order.ts";
import { emitIpv4, FRAGMENT, IPV4, TIME_TO_LIVE } from "../wire/ipv4.ts";
import { emitIpv6, EXTENSION, FRAGMENT_HEADER, IPV6 } from "../wire/ipv6.ts";

/** The longest payload that a datagram of either version may have here. */
export const LONGEST_PAYLOAD: number = 65_535 - IPV4.SIZE;

/** See the module's description. */
export class IpOutput {
  /** Own addresses and routes. */
  readonly addressing: Addressing;
  /** How large packets to a destination may be. */
  readonly paths: PathMtuTable;
  /** Where the payload that was begun is to be written. */
  memory: Memory;
  /** Its offset there. */
  at = 0;
  readonly #host: Host;
  readonly #device: Interface;
  readonly #loopback: Interface;
  readonly #itself: readonly [Neighbour, Neighbour];
  /** Where datagrams are written that have to be cut; made when there is one. */
  #scratch: Memory | null = null;
  #frame = 0;
  /** The largest packet on the way of what was begun. */
  #mtu = 0;
  /** The identification of the next datagram that may be cut (RFC 6864). */
  #identification: number;

  /** Makes the output over an interface, and the one of the host to itself. */
  constructor(
    host: Host,
    addressing: Addressing,
    device: Interface,
    loopback: Interface,
    itself: readonly [IpAddress, IpAddress],
    random: Random,
  ) {
    this.#host = host;
    this.addressing = addressing;
    this.paths = new PathMtuTable(host.time);
    this.#device = device;
    this.#loopback = loopback;
    this.memory = device.sendMemory;
    this.#itself = [new Neighbour(itself[0], loopback), new Neighbour(itself[1], loopback)];
    for (const neighbour of this.#itself) {
      neighbour.fix(loopback.mac);
      neighbour.users++;
    }
    this.#identification = random.next() & 0xffff;
  }

  /** The neighbour to which packets for an address go; null if there is no route. */
  route(destination: IpAddress): Neighbour | null {
    const { addressing } = this;
    if (addressing.isOwn(destination)) return this.ownNeighbour(destination.version);
    const group = destination.isMulticast || addressing.isBroadcast(destination);
    const nextHop = group ? destination : addressing.nextHop(destination);
    if (nextHop === null) return null;
    const { w0, w1, w2, w3 } = nextHop;
    const { neighbours } = this.#device;
    const known = neighbours.find(w0, w1, w2, w3);
    if (known !== null) return known;
    const neighbour = new Neighbour(nextHop, this.#device);
    if (group) fixGroup(neighbour);
    neighbours.add(neighbour);
    return neighbour;
  }

  /** The host itself, as its neighbour. */
  ownNeighbour(version: 4 | 6): Neighbour {
    return this.#itself[version === 4 ? 0 : 1];
  }

  /** Whether the interface to a neighbour fills in checksums, of a payload of a length that was begun, and is sent uncut. */
  fillsChecksums(neighbour: Neighbour, length: number): boolean {
    return neighbour.iface.device.fillsChecksums && length <= this.#room(neighbour);
  }

  /**
   * Begins a packet of `length` bytes of payload, which is to be written at `at` of `memory` then; says whether there is
   * room. What was begun and not sent needs no undoing.
   */
  begin(neighbour: Neighbour, destination: IpAddress, length: number): boolean {
    this.#mtu = this.paths.of(destination, neighbour.iface.device.mtu);
    if (length > this.#room(neighbour)) {
      this.memory = this.#scratch ??= new Memory(new ArrayBuffer(LONGEST_PAYLOAD + 1 & ~3));
      this.at = 0;
      return true;
    }
    const { iface } = neighbour;
    const frame = iface.reserve();
    if (frame < 0) {
      this.#host.counters.ipSendDrops++;
      return false;
    }
    this.#frame = frame;
    this.memory = iface.sendMemory;
    this.at = frame + iface.header + (neighbour.address.version === 4 ? IPV4.SIZE : IPV6.SIZE);
    return true;
  }

  /** Sends the packet that was begun, in fragments if it has to be. */
  send(
    neighbour: Neighbour,
    length: number,
    protocol: number,
    source: IpAddress,
    destination: IpAddress,
    hopLimit: number = TIME_TO_LIVE,
  ): void {
    if (length > this.#room(neighbour)) {
      this.#sendFragments(neighbour, length, protocol, source, destination, hopLimit);
      return;
    }
    const { iface } = neighbour;
    const { counters } = this.#host;
    const at = this.#frame + iface.header;
    counters.ipSent++;
    if (destination.version === 4) {
      // Not DF: a router may cut it. So it needs an identification (RFC 6864, section 4.3).
      const id = this.#nextIdentification();
      emitIpv4(
        iface.sendMemory,
        at,
        IPV4.SIZE + length,
        id,
        0,
        protocol,
        source.w3,
        destination.w3,
        hopLimit,
      );
      neighbour.send(this.#frame, IPV4.SIZE + length);
    } else {
      emitIpv6(iface.sendMemory, at, length, protocol, hopLimit, source, destination);
      neighbour.send(this.#frame, IPV6.SIZE + length);
    }
  }

  /** The largest payload that is not cut. */
  #room(neighbour: Neighbour): number {
    return this.#mtu - (neighbour.address.version === 4 ? IPV4.SIZE : IPV6.SIZE);
  }

  #sendFragments(
    neighbour: Neighbour,
    length: number,
    protocol: number,
    source: IpAddress,
    destination: IpAddress,
    hopLimit: number,
  ): void {
    const { iface } = neighbour;
    const { counters } = this.#host;
    const four = destination.version === 4;
    const header = four ? IPV4.SIZE : IPV6.SIZE + FRAGMENT_HEADER.SIZE;
    const most = this.#mtu - header & ~7;
    const id = this.#nextIdentification();
    counters.fragmented++;
    for (let offset = 0; offset < length; offset += most) {
      const frame = iface.reserve();
      if (frame < 0) {
        // What is not whole is of no use.
        counters.ipSendDrops++;
        return;
      }
      const piece = Math.min(most, length - offset);
      const more = offset + piece < length;
      const at = frame + iface.header;
      if (four) {
        const fragment = (offset >> 3) | (more ? FRAGMENT.MORE : 0);
        emitIpv4(
          iface.sendMemory,
          at,
          header + piece,
          id,
          fragment,
          protocol,
          source.w3,
          destination.w3,
          hopLimit,
        );
      } else {
        const payload = FRAGMENT_HEADER.SIZE + piece;
        emitIpv6(iface.sendMemory, at, payload, EXTENSION.FRAGMENT, hopLimit, source, destination);
        const { i32 } = iface.sendMemory;
        const word = (at + IPV6.SIZE) >> 2;
        i32[word] = protocol | swap16(offset | (more ? 1 : 0)) << 16;
        i32[word + 1] = swap32(id);
      }
      copy(this.#scratch!, offset, iface.sendMemory, at + header, piece);
      counters.ipSent++;
      neighbour.send(frame, header + piece);
    }
  }

  #nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }
}
