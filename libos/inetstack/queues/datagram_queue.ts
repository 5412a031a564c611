/**
 * Datagrams over the stack: UDP.
 *
 * @module
 */

import { Credit, type Served } from "../../runtime/queue/served.ts";
import type { InetContext } from "./context.ts";
import { Errno } from "../../error.ts";
import type { HeapSga } from "../../runtime/memory/sga.ts";
import type { IpAddress } from "../ip_address.ts";
import { Opcode } from "../../runtime/operation/owner.ts";
import type { PooledOperation } from "../../runtime/operation/operation.ts";
import type { PushOperation } from "../../runtime/operation/pool.ts";
import { OperationList } from "../../runtime/operation/list.ts";
import { noOption, readBuffer, readFlag, readGroup, readInteger } from "./options.ts";
import {
  PeerAddress,
  PeerTable,
  readEndpoint,
  readTarget,
  versionOf,
  writeEndpoint,
} from "./endpoint.ts";
import { Queue } from "../../runtime/queue/queue.ts";
import { UdpSocket, type UdpUser } from "../udp/socket.ts";
import type { Domain, MulticastGroup, Sga, SocketAddress, SocketOptions } from "../../pdpix.ts";

/** The senders of datagrams of all sockets. */
const PEERS = new PeerTable();

/** See the module's description. */
export class DatagramQueue extends Queue implements UdpUser, Served {
  declare protected readonly context: InetContext;
  protected override readonly kind = "datagram socket";
  active = false;
  readonly #domain: Domain;
  readonly #socket: UdpSocket;
  readonly #credit: Credit;
  readonly #pops = new OperationList();
  readonly #groups: IpAddress[] = [];
  /** What became of a datagram that was sent, and was not told yet; 0 if nothing. */
  #error = 0;
  /** The address that was pushed to last, if it was not one that a datagram came from. */
  #last: PeerAddress | null = null;

  /** Makes a socket without an address. */
  constructor(context: InetContext, domain: Domain) {
    super(context);
    this.#domain = domain;
    this.#socket = new UdpSocket(versionOf(domain));
    this.#socket.user = this;
    this.#credit = new Credit(context);
  }

  /** See {@linkcode Queue.opened}. */
  override opened(): void {
    this.context.opened(this);
  }

  /** What it is, where, and what waits on it. */
  describe(): string {
    const { local, port, remote, remotePort } = this.#socket;
    const peer = remote === null ? "" : ` to ${remote}:${remotePort}`;
    return `qd ${this.qd}: UDP ${local}:${port}${peer}, ${this.pending} pops wait`;
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    const endpoint = readEndpoint(address, this.#domain, "bind", this.qd);
    if (this.#socket.port !== 0) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    const { addressing, udp } = this.context.stack;
    const own = endpoint.address.isUnspecified || endpoint.address.isMulticast ||
      addressing.isOwn(endpoint.address) || addressing.isBroadcast(endpoint.address);
    if (!own) throw this.error("EADDRNOTAVAIL", "bind");
    const errno = udp.bind(this.#socket, endpoint.address, endpoint.port);
    if (errno !== 0) throw this.error(errno, "bind");
  }

  /** Fixes the peer: pushes go to it, and only what it sends is popped. May be done again. */
  override connect(address: SocketAddress): PooledOperation<void> {
    const endpoint = readTarget(address, this.#domain, this.#socket.local, "connect", this.qd);
    const operation = this.start(Opcode.CONNECT);
    const { udp } = this.context.stack;
    const errno = udp.connect(this.#socket, endpoint.address, endpoint.port);
    if (errno === 0) operation.complete(undefined);
    else operation.fail(errno);
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    const { remote, remotePort } = this.#socket;
    if (remote === null) {
      throw this.error(
        "EDESTADDRREQ",
        "push",
        "the socket has no peer; connect it, or give an address",
      );
    }
    return this.#push(sga, remote, remotePort, "push");
  }

  /** See {@linkcode Queue.pushTo}. */
  override pushTo(sga: HeapSga, address: SocketAddress): PushOperation {
    const { ip, port } = this.#peer(address);
    return this.#push(sga, ip, port, "pushTo");
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (this.#socket.port === 0) {
      throw this.error(
        "EDESTADDRREQ",
        "pop",
        "the socket has no address; bind or connect it first",
      );
    }
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.#pops.head === null && this.#credit.spend()) this.#receive(operation);
    if (!operation.over) {
      this.#pops.push(operation);
      operation.suspend();
      this.context.activate(this);
    }
    return operation;
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    this.#pops.replace(operation, null);
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    return writeEndpoint(this.#socket.local, this.#socket.port);
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    const { remote, remotePort } = this.#socket;
    if (remote === null) throw this.error("ENOTCONN", "getpeername");
    return writeEndpoint(remote, remotePort);
  }

  /** See {@linkcode Queue.setsockopt}. */
  override setsockopt<K extends keyof SocketOptions>(option: K, value: SocketOptions[K]): void {
    const { qd } = this;
    const socket = this.#socket;
    switch (option) {
      case "reuseAddress":
        socket.reuse = readFlag(qd, option, value);
        return;
      case "broadcast":
        socket.broadcast = readFlag(qd, option, value);
        return;
      case "multicastLoopback":
        socket.multicastLoopback = readFlag(qd, option, value);
        return;
      case "multicastTtl":
        socket.multicastTtl = readInteger(qd, option, value, 0, 255);
        return;
      case "receiveBuffer":
        socket.limit = readBuffer(qd, option, value);
        return;
      case "sendBuffer":
        // A datagram is sent at once, or not at all.
        readBuffer(qd, option, value);
        return;
      case "multicastJoin":
        return this.#join(value as MulticastGroup);
      case "multicastLeave":
        return this.#leave(value as MulticastGroup);
      default:
        throw noOption(qd, "setsockopt", `a ${this.kind} has no option "${option}"`);
    }
  }

  /** See {@linkcode Queue.getsockopt}. */
  override getsockopt<K extends keyof SocketOptions>(option: K): SocketOptions[K] {
    const socket = this.#socket;
    const values: Partial<SocketOptions> = {
      reuseAddress: socket.reuse,
      broadcast: socket.broadcast,
      multicastLoopback: socket.multicastLoopback,
      multicastTtl: socket.multicastTtl,
      receiveBuffer: socket.limit,
    };
    const value = values[option];
    if (value !== undefined) return value as SocketOptions[K];
    throw noOption(
      this.qd,
      "getsockopt",
      `the option "${option}" of a ${this.kind} cannot be read`,
    );
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    this.context.closed(this);
    while (this.#pops.head !== null) this.#pops.shift().fail(Errno.ECANCELED);
    for (const group of this.#groups.splice(0)) this.context.stack.leave(group);
    this.#socket.user = null;
    this.context.stack.udp.close(this.#socket);
  }

  /** See {@linkcode UdpUser.readable}. */
  readable(): void {
    if (this.#pops.head === null) return;
    if (this.#credit.spend()) this.#receive(this.#pops.head);
    else this.context.activate(this);
  }

  /** See {@linkcode UdpUser.failed}. */
  failed(errno: number): void {
    this.#error = errno;
    if (this.#pops.head !== null) this.#receive(this.#pops.head);
  }

  /** See {@linkcode Served.serve}. */
  serve(): number {
    const before = this.pending;
    while (this.#pops.head !== null && this.#credit.spend()) {
      const operation = this.#pops.head;
      this.#receive(operation);
      if (!operation.over && this.#pops.head === operation) return before - this.pending;
    }
    if (this.#pops.head !== null) this.context.activate(this);
    return before - this.pending;
  }

  #receive(operation: PooledOperation): void {
    const { heap } = this.context;
    if (this.#error !== 0) {
      // It belongs to one pop, and harms no other.
      const error = this.#error;
      this.#error = 0;
      this.#unlink(operation);
      operation.fail(error);
      return;
    }
    const datagram = this.#socket.take();
    if (datagram === null) return;
    const { length, version, s0, s1, s2, s3, port } = datagram;
    const size = operation.size === 0 ? length : Math.min(operation.size, length);
    const sga = heap.wrap(datagram.chunk!, size);
    sga.describe(PEERS.find(version, s0, s1, s2, s3, port), length > size);
    this.#unlink(operation);
    operation.complete(sga);
  }

  #unlink(operation: PooledOperation): void {
    if (this.#pops.head === operation) this.#pops.shift();
  }

  #push(sga: HeapSga, address: IpAddress, port: number, call: string): PushOperation {
    sga.checkOwned(this.context.heap, call, this.qd);
    sga.move();
    let errno = this.#error;
    this.#error = 0;
    if (errno === 0) {
      this.context.enter();
      errno = port === 0
        ? Errno.EINVAL
        : this.context.stack.udp.send(this.#socket, sga, address, port);
      this.context.leave();
    }
    if (errno === 0) {
      sga.finish();
      return this.context.operations.completed(this);
    }
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    operation.fail(errno);
    return operation;
  }

  /** An address for the stack: as it came, as it was the last time, or read anew. */
  #peer(address: SocketAddress): PeerAddress {
    if (address instanceof PeerAddress && this.#reaches(address.ip)) return address;
    const last = this.#last;
    if (
      last !== null && this.#reaches(last.ip) && typeof address === "object" && address !== null &&
      "hostname" in address && address.port === last.port && address.hostname === last.hostname
    ) {
      return last;
    }
    const { local } = this.#socket;
    const { address: ip, port } = readTarget(address, this.#domain, local, "pushTo", this.qd);
    return this.#last = new PeerAddress(ip, port);
  }

  #reaches({ version }: IpAddress): boolean {
    const { local } = this.#socket;
    return version === local.version || (local.version === 6 && local.isUnspecified);
  }

  #join(value: MulticastGroup): void {
    const group = readGroup(this.qd, "multicastJoin", value, this.#socket.version);
    if (this.#groups.some((one) => one.equals(group))) {
      throw this.error("EADDRINUSE", "setsockopt", `the socket is in ${group} already`);
    }
    this.context.stack.join(group);
    this.#groups.push(group);
  }

  #leave(value: MulticastGroup): void {
    const group = readGroup(this.qd, "multicastLeave", value, this.#socket.version);
    const place = this.#groups.findIndex((one) => one.equals(group));
    if (place < 0) {
      throw this.error("EADDRNOTAVAIL", "setsockopt", `the socket is not in ${group}`);
    }
    this.#groups.splice(place, 1);
    this.context.stack.leave(group);
  }
}
