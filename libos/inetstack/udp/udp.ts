/**
 * The User Datagram Protocol (RFC 768, RFC 1122 section 4.1).
 *
 * @module
 */

import type { BufferHeap } from "../../runtime/memory/heap.ts";
import { Errno } from "../../error.ts";
import { EphemeralPorts } from "../ports.ts";
import { copy, fold, sum, swap16 } from "../../runtime/memory/memory.ts";
import { gather } from "../gather.ts";
import type { HashKey } from "../hash.ts";
import type { Host } from "../ethernet/interface.ts";
import type { HeapSga } from "../../runtime/memory/sga.ts";
import type { ErrorListener, IcmpError } from "../icmp/icmp_error.ts";
import { IpAddress } from "../ip_address.ts";
import { type IpOutput, LONGEST_PAYLOAD } from "../ip/output.ts";
import type { Neighbour } from "../ethernet/neighbour.ts";
import type { Packet } from "../ip/packet.ts";
import { PROTOCOL, pseudoSum, TIME_TO_LIVE } from "../wire/ipv4.ts";
import { pseudoSum6 } from "../wire/ipv6.ts";
import { UDP } from "../wire/udp.ts";
import type { UdpSocket } from "./socket.ts";

/** See the module's description. */
export class Udp implements ErrorListener {
  readonly #host: Host;
  readonly #output: IpOutput;
  readonly #heap: BufferHeap;
  readonly #ports: EphemeralPorts;
  readonly #sockets = new Map<number, UdpSocket[]>();
  readonly #errors: (packet: Packet) => void;

  /** Makes the protocol of a host; `errors` answers datagrams that nobody takes. */
  constructor(
    host: Host,
    output: IpOutput,
    heap: BufferHeap,
    key: HashKey,
    errors: (packet: Packet) => void,
  ) {
    this.#host = host;
    this.#output = output;
    this.#heap = heap;
    this.#ports = new EphemeralPorts(key);
    this.#errors = errors;
  }

  /** How many sockets are bound. */
  get size(): number {
    let size = 0;
    for (const sockets of this.#sockets.values()) size += sockets.length;
    return size;
  }

  /** Gives a socket an address, and a port, which is chosen for 0; gives an errno, 0 if it is bound now. */
  bind(socket: UdpSocket, address: IpAddress, port: number): number {
    if (port === 0) {
      port = this.#ports.choose(
        address.w0,
        address.w3,
        0,
        PROTOCOL.UDP,
        (one) => !this.#sockets.has(one),
      );
      if (port === 0) return Errno.EADDRINUSE;
    }
    const others = this.#sockets.get(port) ?? [];
    for (const other of others) {
      const isShared = other.reuse && socket.reuse;
      if (other.local.overlaps(address) && !isShared) return Errno.EADDRINUSE;
    }
    socket.local = address;
    socket.port = port;
    if (others.push(socket) === 1) this.#sockets.set(port, others);
    return 0;
  }

  /** Fixes the peer of a socket, which is bound then; gives an errno, or 0. */
  connect(socket: UdpSocket, address: IpAddress, port: number): number {
    const neighbour = this.#output.route(address);
    if (neighbour === null) return Errno.ENETUNREACH;
    const source = this.#output.addressing.sourceFor(address, neighbour.address);
    if (source === null) return Errno.EADDRNOTAVAIL;
    if (this.#isForbidden(socket, address)) return Errno.EACCES;
    if (socket.port === 0) {
      const error = this.bind(socket, source, 0);
      if (error !== 0) return error;
    } else if (socket.local.isUnspecified) {
      socket.local = source;
    }
    socket.remote = address;
    socket.remotePort = port;
    return 0;
  }

  /** The socket is no more. */
  close(socket: UdpSocket): void {
    socket.clear(this.#heap);
    const sockets = this.#sockets.get(socket.port);
    const place = sockets?.indexOf(socket) ?? -1;
    if (place < 0) return;
    sockets!.splice(place, 1);
    if (sockets!.length === 0) this.#sockets.delete(socket.port);
  }

  /** Sends an sga as one datagram; gives an errno, or 0. The sga stays the caller's. */
  send(socket: UdpSocket, sga: HeapSga, address: IpAddress, port: number): number {
    const length = sga.totalLength + UDP.SIZE;
    if (length > LONGEST_PAYLOAD) return Errno.EMSGSIZE;
    const neighbour = this.#output.route(address);
    if (neighbour === null) return Errno.ENETUNREACH;
    if (this.#isForbidden(socket, address)) return Errno.EACCES;
    const source = socket.local.isUnspecified || socket.local.isMulticast
      ? this.#output.addressing.sourceFor(address, neighbour.address)
      : socket.local;
    if (source === null) return Errno.EADDRNOTAVAIL;
    if (socket.port === 0) {
      const error = this.bind(socket, IpAddress.any(socket.version), 0);
      if (error !== 0) return error;
    }
    const { isMulticast } = address;
    const limit = isMulticast ? socket.multicastTtl : TIME_TO_LIVE;
    if (isMulticast && limit > 0 || !isMulticast) {
      this.#emit(socket, sga, neighbour, source, address, port, limit);
    }
    const { addressing } = this.#output;
    const joined = isMulticast && socket.multicastLoopback &&
      addressing.isJoined(address.w0, address.w1, address.w2, address.w3);
    if (joined || (!isMulticast && addressing.isBroadcast(address))) {
      const itself = this.#output.ownNeighbour(address.version);
      this.#emit(socket, sga, itself, source, address, port, TIME_TO_LIVE);
    }
    return 0;
  }

  /** See {@linkcode Transport.receive}. */
  receive(packet: Packet): void {
    const { memory, payload, length } = packet;
    const { u16 } = memory;
    const { counters } = this.#host;
    const size = length >= UDP.SIZE ? swap16(u16[(payload + UDP.LENGTH) >> 1]!) : 0;
    if (size < UDP.SIZE || size > length) {
      counters.udpErrors++;
      return;
    }
    packet.length = size;
    const checksum = u16[(payload + UDP.CHECKSUM) >> 1]!;
    // None was made (RFC 768), which IPv6 forbids (RFC 8200, section 8.1).
    const unmade = checksum === 0 && packet.version === 4;
    if (!packet.verified && !unmade) {
      const whole = fold(sum(memory, payload, size) + packet.pseudoSum);
      if (checksum === 0 || whole !== 0xffff) {
        counters.udpErrors++;
        return;
      }
    }
    const port = swap16(u16[(payload + UDP.DESTINATION_PORT) >> 1]!);
    const from = swap16(u16[(payload + UDP.SOURCE_PORT) >> 1]!);
    const sockets = this.#sockets.get(port);
    let best: UdpSocket | null = null;
    let score = 0;
    if (sockets !== undefined) {
      for (let i = 0; i < sockets.length; i++) {
        const socket = sockets[i]!;
        const matches = socket.match(packet, from);
        if (matches === 0) continue;
        // What is to a group is for everybody who wants it.
        if (packet.group) this.#deliver(socket, packet, from);
        if (matches > score) {
          best = socket;
          score = matches;
        }
      }
    }
    if (best === null) {
      counters.udpNoPorts++;
      if (!packet.group) this.#errors(packet);
    } else if (!packet.group) {
      this.#deliver(best, packet, from);
    }
  }

  /** See {@linkcode ErrorListener.failed}: told to the socket that is connected to where it went (RFC 1122, section 4.1.3.3). */
  failed(error: IcmpError): void {
    const { memory, payload, quoted } = error;
    const { u16 } = memory!;
    const own = swap16(u16[(payload + UDP.SOURCE_PORT) >> 1]!);
    const port = swap16(u16[(payload + UDP.DESTINATION_PORT) >> 1]!);
    for (const socket of this.#sockets.get(own) ?? []) {
      const { remote, local } = socket;
      const isConnected = remote !== null && socket.remotePort === port &&
        remote.is(quoted.d0, quoted.d1, quoted.d2, quoted.d3) &&
        local.is(quoted.s0, quoted.s1, quoted.s2, quoted.s3);
      if (error.errno !== 0) {
        if (!isConnected) continue;
        socket.user?.failed(error.errno);
      } else {
        // Of IPv6 the sender has to cut what is too big. Who has a peer sends to nobody else (RFC 5927, section 4).
        if (quoted.version === 4 || (remote !== null && !isConnected)) continue;
        this.#output.paths.learn(quoted.destination, error.mtu);
      }
      return;
    }
  }

  #isForbidden(socket: UdpSocket, address: IpAddress): boolean {
    return !socket.broadcast && this.#output.addressing.isBroadcast(address);
  }

  #deliver(socket: UdpSocket, packet: Packet, from: number): void {
    const { counters } = this.#host;
    const length = packet.length - UDP.SIZE;
    if (!socket.hasRoom(length)) {
      counters.udpErrors++;
      return;
    }
    const chunk = this.#heap.take(length);
    copy(packet.memory, packet.payload + UDP.SIZE, chunk.memory, chunk.start, length);
    counters.udpReceived++;
    socket.put(chunk, length, packet, from);
    socket.user?.readable();
  }

  #emit(
    socket: UdpSocket,
    sga: HeapSga,
    neighbour: Neighbour,
    source: IpAddress,
    destination: IpAddress,
    port: number,
    limit: number,
  ): void {
    const output = this.#output;
    const size = sga.totalLength;
    const length = size + UDP.SIZE;
    if (!output.begin(neighbour, destination, length)) return;
    const { memory, at } = output;
    const { i32, u16 } = memory;
    const ports = swap16(socket.port) | swap16(port) << 16;
    i32[at >> 2] = ports;
    i32[(at + UDP.LENGTH) >> 2] = swap16(length);
    const payload = gather(sga, 0, size, memory, at + UDP.SIZE);
    const pseudo = fold(
      swap16(length) +
        (source.version === 4
          ? pseudoSum(source.w3, destination.w3, PROTOCOL.UDP)
          : pseudoSum6(source, destination, PROTOCOL.UDP)),
    );
    // A sum of zero is told as its other form, since zero tells that there is none.
    u16[(at + UDP.CHECKSUM) >> 1] = output.fillsChecksums(neighbour, length)
      ? pseudo
      : ~fold(pseudo + (ports & 0xffff) + (ports >>> 16) + swap16(length) + payload) & 0xffff ||
        0xffff;
    this.#host.counters.udpSent++;
    output.send(neighbour, length, PROTOCOL.UDP, source, destination, limit);
  }
}
