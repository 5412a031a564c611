/**
 * Datagrams over kernel sockets: UDP.
 *
 * @module
 */

import { errno } from "../../ffi/libc/memory.ts";
import { MESSAGE } from "../../ffi/libc/msghdr.ts";
import { Errno } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { isAddress, PeerAddress } from "./address.ts";
import { STAGING_SIZE } from "./receiver.ts";
import { MOST } from "./sender.ts";
import { SocketQueue, unlink } from "./socket_queue.ts";
import type { Sga, SocketAddress } from "../pdpix.ts";

/** See the module's description. */
export class DatagramQueue extends SocketQueue {
  protected override readonly kind = "datagram socket";
  #bound = false;
  #connected = false;
  /** The address that was pushed to last, if it was not one that a datagram came from. */
  #last: PeerAddress | null = null;

  /** See {@linkcode Queue.opened}. */
  override opened(): void {
    this.watch();
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    if (this.#bound) throw this.error("EINVAL", "bind", "the socket has an address already");
    super.bind(address);
    this.#bound = true;
  }

  /** Fixes the peer: pushes go to it, and only what it sends is popped. May be done again. */
  override connect(address: SocketAddress): PooledOperation<void> {
    const layout = this.layOutTarget(address, "connect");
    const operation = this.start(Opcode.CONNECT);
    if (this.context.libc.connect(this.fd, layout, layout.length) < 0) {
      operation.fail(errno());
    } else {
      this.#bound = true;
      this.#connected = true;
      operation.complete(undefined);
    }
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    if (!this.#connected) {
      throw this.error(
        "EDESTADDRREQ",
        "push",
        "the socket has no peer; connect it, or give an address",
      );
    }
    return this.#push(sga, null, "push");
  }

  /** See {@linkcode Queue.pushTo}. */
  override pushTo(sga: HeapSga, address: SocketAddress): PushOperation {
    return this.#push(sga, this.#peer(address), "pushTo");
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (!this.#bound) {
      throw this.error(
        "EDESTADDRREQ",
        "pop",
        "the socket has no address; bind or connect it first",
      );
    }
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.pops.head === null && this.readable && this.spend()) this.receive(operation);
    if (!operation.over) {
      this.pops.push(operation);
      operation.suspend();
      if (this.readable) this.context.activate(this);
    }
    return operation;
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    unlink(operation, this.pops, this.pushes);
  }

  #push(sga: HeapSga, peer: PeerAddress | null, call: string): PushOperation {
    sga.checkOwned(this.context.heap, call, this.qd);
    if (sga.numsegs > MESSAGE.SEGMENTS_MAX) {
      throw this.error("EMSGSIZE", call, `a datagram has at most ${MESSAGE.SEGMENTS_MAX} segments`);
    }
    sga.move();
    let sent = -1;
    if (this.pushes.head === null && this.writable) {
      sent = this.#send(sga, peer);
      if (sent >= 0) {
        sga.finish();
        return this.context.operations.completed(this);
      }
    }
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    operation.address = peer;
    if (this.writable && this.pushes.head === null) {
      operation.fail(this.context.sender.errno);
    } else {
      this.pushes.push(operation);
      operation.suspend();
    }
    return operation;
  }

  /** See {@linkcode SocketQueue.resumePush}. */
  protected override resumePush(operation: PooledOperation<void>): number {
    const sent = this.#send(operation.sga!, operation.address as PeerAddress | null);
    if (!this.writable) return 0;
    this.pushes.shift();
    if (sent < 0) operation.fail(this.context.sender.errno);
    else operation.complete(undefined);
    return Math.max(sent, 0);
  }

  /** Gives a negative number if it failed, or if there was no room, which is in `writable` then. */
  #send(sga: HeapSga, peer: PeerAddress | null): number {
    const { sender } = this.context;
    let sent: number;
    do {
      sent = peer === null ? sender.send(this.fd, sga, 0, MOST) : sender.sendTo(this.fd, sga, peer);
    } while (sent < 0 && sender.errno === Errno.EINTR);
    if (sent < 0 && sender.errno === Errno.EAGAIN) {
      this.writable = false;
      this.context.cool(this);
    } else if (sent >= 0) {
      // Sending gave the socket an address, if it had none.
      this.#bound = true;
    }
    return sent;
  }

  /** See {@linkcode SocketQueue.receive}. */
  protected override receive(operation: PooledOperation): void {
    const { receiver } = this.context;
    const size = operation.size === 0 || operation.size > STAGING_SIZE
      ? STAGING_SIZE
      : operation.size;
    const length = receiver.receiveFrom(this.fd, size);
    const sga = length < 0 ? null : receiver.take(Math.min(length, size));
    if (sga !== null) {
      sga.describe(receiver.peer(), length > size);
      if (this.pops.head === operation) this.pops.shift();
      operation.complete(sga);
    } else if (receiver.errno === Errno.EAGAIN) {
      this.readable = false;
    } else if (receiver.errno !== Errno.EINTR) {
      // An ICMP error of something sent before: it belongs to one pop, and harms no other.
      if (this.pops.head === operation) this.pops.shift();
      operation.fail(receiver.errno, receiver.failure);
    }
  }

  /** The layout of an address: as it came, as it was the last time, or made anew. */
  #peer(address: SocketAddress): PeerAddress {
    const own = this.domain === "inet" ? 16 : 28;
    if (
      address instanceof PeerAddress && address.size === own && !(this.onlyIPv6 && address.mapped)
    ) return address;
    const last = this.#last;
    if (last !== null && isAddress(address, last)) return last;
    return this.#last = new PeerAddress(this.layOutTarget(address, "pushTo"));
  }
}
