/**
 * UDP sockets of a native libOS.
 *
 * @module
 */

import { decodeSockaddr, SOCKADDR } from "../../ffi/libc/sockaddr.ts";
import { layOut } from "../runtime/socket_address.ts";
import { formatAddress } from "../runtime/address.ts";
import { type DemikernelError, Errno } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import type { InetAddress, Sga, SocketAddress } from "../pdpix.ts";
import { bindSomewhere } from "./addresses.ts";
import { dropEmptyDatagrams } from "./empty_datagrams.ts";
import { NativeQueue } from "./native_queue.ts";

/** The most that a datagram of IPv4 holds, in bytes (RFC 768, RFC 791). */
const LARGEST_DATAGRAM = 65507;

/** See the module's description. */
export class DatagramQueue extends NativeQueue {
  protected override readonly kind = "datagram socket";
  #local: InetAddress | null = null;
  #peer: InetAddress | null = null;

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    if (this.#local !== null) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    const { address: own, device, stopsAtEmpty } = this.context;
    this.#local = bindSomewhere(
      address,
      own,
      this.qd,
      (layout) => device.calls.bind(this.nativeQd, layout),
    );
    if (stopsAtEmpty) dropEmptyDatagrams(layOut(this.#local, "inet", "bind", this.qd));
  }

  /** Fixes the peer; upstream knows no such thing, so what others send is dropped here. */
  override connect(address: SocketAddress): PooledOperation<void> {
    layOut(address, "inet", "connect", this.qd);
    this.#bindSomewhere();
    const operation = this.start(Opcode.CONNECT);
    this.#peer = address as InetAddress;
    operation.complete(undefined);
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    if (this.#peer === null) {
      throw this.error(
        "EDESTADDRREQ",
        "push",
        "the socket has no peer; connect it, or give an address",
      );
    }
    return this.#push(sga, this.#peer, "push");
  }

  /** See {@linkcode Queue.pushTo}. */
  override pushTo(sga: HeapSga, address: SocketAddress): PushOperation {
    layOut(address, "inet", "pushTo", this.qd);
    return this.#push(sga, address as InetAddress, "pushTo");
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (this.#local === null) {
      throw this.error(
        "EDESTADDRREQ",
        "pop",
        "the socket has no address; bind or connect it first",
      );
    }
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.reads.head === null && this.ahead !== null) {
      operation.complete(this.#takeAhead(size));
    } else if (this.broken !== 0) {
      operation.fail(this.broken, this.#deafness());
    } else {
      this.reads.push(operation);
      operation.suspend();
      this.beginPop();
    }
    return operation;
  }

  /** See {@linkcode NativeQueue.read}. */
  override read(errno: number): void {
    this.reading = false;
    if (errno === 0) errno = this.#receive();
    if (errno !== 0 && errno !== Errno.ETIMEDOUT) return this.#failRead(errno);
    if (this.ahead !== null && this.reads.head !== null) {
      const operation = this.reads.shift();
      operation.complete(this.#takeAhead(operation.size));
    }
    this.beginPop();
  }

  /** See {@linkcode NativeQueue.wrote}. */
  override wrote(errno: number): void {
    this.writing = false;
    if (this.pushes.head !== null) {
      const operation = this.pushes.shift();
      // Upstream's own timeout, of 120 s, does not keep it from sending.
      if (errno === 0 || errno === Errno.ETIMEDOUT) operation.complete(undefined);
      else operation.fail(errno);
    }
    this.#beginPush();
  }

  /** See {@linkcode Queue.getsockname}. */
  override getsockname(): SocketAddress {
    return this.#local ?? { hostname: "0.0.0.0", port: 0 };
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    if (this.#peer === null) throw this.error("ENOTCONN", "getpeername");
    return this.#peer;
  }

  #push(sga: HeapSga, address: InetAddress, call: string): PushOperation {
    sga.checkOwned(this.context.heap, call, this.qd);
    const length = sga.totalLength;
    if (length === 0 || length > LARGEST_DATAGRAM) {
      throw this.error(
        length === 0 ? "ENOTSUP" : "EMSGSIZE",
        call,
        `upstream's datagrams hold 1 to ${LARGEST_DATAGRAM} bytes, not ${length}`,
      );
    }
    this.#bindSomewhere();
    const operation = this.start(Opcode.PUSH);
    sga.move();
    operation.sga = sga;
    operation.address = address;
    this.pushes.push(operation);
    operation.suspend();
    this.#beginPush();
    return operation;
  }

  #beginPush(): void {
    while (this.pushes.head !== null && !this.writing) {
      const { device } = this.context;
      const { sga, address } = this.pushes.head;
      device.calls.address.set(layOut(address!, "inet", "push", this.qd));
      const result = device.push(this, sga!, 0, sga!.totalLength, true);
      if (result < 0) this.pushes.shift().fail(-result);
      else this.writing = true;
    }
  }

  /**
   * Takes a datagram, unless it is from somebody else than the peer. Gives 0, or the errno of one that there is no
   * memory for, which is lost. Where an empty one came all the same, nothing comes after it.
   */
  #receive(): number {
    const { device } = this.context;
    const { layout, results } = device.calls;
    const at = layout.result.sga + layout.sga.address;
    const parts = decodeSockaddr(
      new Uint8Array(results.buffer).slice(at, at + SOCKADDR.IN.SIZE),
    );
    let sga: HeapSga;
    try {
      const taken = device.take();
      if (taken === null && this.context.stopsAtEmpty) return this.broken = Errno.EIO;
      sga = taken ?? this.context.heap.alloc(0);
    } catch (error) {
      return (error as DemikernelError).errno;
    }
    const from = "path" in parts
      ? null
      : { hostname: formatAddress(parts.address), port: parts.port };
    const peer = this.#peer;
    if (peer !== null && (peer.hostname !== from?.hostname || peer.port !== from.port)) {
      sga.free();
    } else {
      sga.describe(from, false);
      this.ahead = sga;
    }
    return 0;
  }

  #failRead(errno: number): void {
    if (this.broken !== 0) {
      while (this.reads.head !== null) this.reads.shift().fail(this.broken, this.#deafness());
      return;
    }
    if (this.reads.head !== null) this.reads.shift().fail(errno);
    this.beginPop();
  }

  #deafness(): DemikernelError {
    return this.error(
      this.broken,
      "pop",
      "an empty datagram came, after which upstream receives nothing more; close the socket and make another",
    );
  }

  #takeAhead(size: number): HeapSga {
    const sga = this.ahead!;
    this.ahead = null;
    if (size > 0 && sga.length > size) {
      sga.describe(sga.address, true);
      sga.trim(0, size);
    }
    return sga;
  }

  /** Upstream sends nothing from a socket without an address. */
  #bindSomewhere(): void {
    if (this.#local === null) this.bind({ hostname: "0.0.0.0", port: 0 });
  }
}
