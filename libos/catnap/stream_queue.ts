/**
 * Connections over kernel sockets, and sockets on the way there: TCP, and Unix stream and seqpacket.
 *
 * @module
 */

import { EPOLL, SHUT } from "../../ffi/libc/constants.ts";
import { errno } from "../../ffi/libc/memory.ts";
import { MESSAGE } from "../../ffi/libc/msghdr.ts";
import { Errno } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Opcode } from "../runtime/operation/owner.ts";
import type { PushOperation } from "../runtime/operation/pool.ts";
import type { HeapSga } from "../runtime/memory/sga.ts";
import { socketErrno } from "../runtime/socket_errno.ts";
import { type Name, readName } from "./address.ts";
import { Backlog } from "./backlog.ts";
import { Connector } from "./connector.ts";
import { STAGING_SIZE } from "./receiver.ts";
import { MOST } from "./sender.ts";
import { type CatnapContext, PIECE, SocketQueue, unlink } from "./socket_queue.ts";
import type { Domain, Sga, SocketAddress, SocketType } from "../pdpix.ts";

const FRESH = 0;
const CONNECTING = 1;
const CONNECTED = 2;
const LISTENING = 3;

/** See the module's description. */
export class StreamQueue extends SocketQueue {
  protected override readonly kind = "stream socket";
  /** Whether what is pushed arrives as records (seqpacket). */
  readonly records: boolean;
  #state = FRESH;
  #bound = false;
  /** The peer, which the kernel forgets when it resets the connection. */
  #peer: Name | null;
  #watched = false;
  #connector: Connector | null = null;
  #backlog: Backlog | null = null;
  /** The peer sent its last byte, and it was popped. */
  #ended = false;
  /** The kernel told that the peer will send nothing more, or worse: an early end of a read is no sign. */
  #hangup = false;
  /** The errno that broke the connection; 0 while it is whole. */
  #broken = 0;
  /** The errno that a push failed with, after which none can be sent; what came before may still be popped. */
  #lost = 0;
  /** The peer had not sent its end when a push failed: where the kernel tells of one, it is none. */
  #torn = false;
  /** The write side was closed, or will be when what is being pushed is gone. */
  #closing = false;

  /** Makes a queue over a socket; one that was accepted has a peer. */
  constructor(
    context: CatnapContext,
    domain: Domain,
    type: SocketType,
    fd: number,
    peer: Name | null,
  ) {
    super(context, domain, fd);
    this.records = type === "seqpacket";
    this.#peer = peer;
    if (peer !== null) this.#state = CONNECTED;
  }

  /** See {@linkcode Queue.opened}. */
  override opened(): void {
    if (this.#state === CONNECTED) this.#watch();
  }

  /** See {@linkcode Queue.bind}. */
  override bind(address: SocketAddress): void {
    if (this.#bound || this.#state !== FRESH) {
      throw this.error("EINVAL", "bind", "the socket has an address already");
    }
    super.bind(address);
    this.#bound = true;
  }

  /** See {@linkcode Queue.listen}. */
  override listen(backlog: number): void {
    if (this.#state === CONNECTED) throw this.error("EISCONN", "listen");
    if (this.#state !== FRESH) throw this.error("EADDRINUSE", "listen", "it listens or connects");
    if (!this.#bound) {
      throw this.error("EDESTADDRREQ", "listen", "the socket has no address; bind it first");
    }
    this.#watch();
    if (this.context.libc.listen(this.fd, backlog) < 0) throw this.error(errno(), "listen");
    this.#state = LISTENING;
    this.#backlog = new Backlog(this, this.context);
  }

  /** See {@linkcode Queue.accept}. */
  override accept(): PooledOperation<number> {
    if (this.#backlog === null) {
      throw this.error("EINVAL", "accept", "the socket does not listen");
    }
    const operation = this.start(Opcode.ACCEPT);
    const backlog = this.#backlog;
    if (backlog.accepts.head === null && backlog.ready && this.spend()) {
      backlog.tryAccept(operation);
    }
    if (!operation.over) {
      backlog.accepts.push(operation);
      operation.suspend();
      if (backlog.ready) this.context.activate(this);
    }
    return operation;
  }

  /** See {@linkcode Queue.connect}. */
  override connect(address: SocketAddress): PooledOperation<void> {
    if (this.#state === LISTENING) {
      throw this.error("ENOTSUP", "connect", "the socket listens");
    }
    if (this.#state === CONNECTED) throw this.error("EISCONN", "connect");
    if (this.#state === CONNECTING) throw this.error("EINPROGRESS", "connect");
    const layout = this.layOutTarget(address, "connect");
    // Before the socket connects, since a connection that epoll cannot watch is of no use.
    this.#watch();
    this.#hangup = false;
    this.readable = false;
    const operation = this.start(Opcode.CONNECT);
    this.#state = CONNECTING;
    this.#connector ??= new Connector(this, this.context, (peer) => {
      this.#peer = peer;
      this.#state = peer === null ? FRESH : CONNECTED;
    });
    this.#connector.begin(operation, layout);
    return operation;
  }

  /** See {@linkcode Queue.push}. */
  override push(sga: HeapSga): PushOperation {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "push");
    if (this.#closing) throw this.error("EPIPE", "push");
    sga.checkOwned(this.context.heap, "push", this.qd);
    if (this.records) this.#checkRecord(sga);
    sga.move();
    let sent = 0;
    if (this.#lost === 0 && this.pushes.head === null && this.writable) {
      sent = this.#send(sga, 0);
      if (sent === sga.totalLength) {
        sga.finish();
        return this.context.operations.completed(this);
      }
    }
    const operation = this.start(Opcode.PUSH);
    operation.sga = sga;
    if (this.#lost !== 0) {
      operation.fail(this.#lost);
    } else if (sent < 0) {
      operation.fail(this.#lose(this.context.sender.errno));
    } else {
      operation.size = sent;
      this.pushes.push(operation);
      operation.suspend();
      if (this.writable) this.context.activate(this);
    }
    return operation;
  }

  /** See {@linkcode Queue.pop}. */
  override pop(size: number): PooledOperation<Sga | null> {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "pop");
    const operation = this.start(Opcode.POP);
    operation.size = size;
    if (this.pops.head === null) {
      if (this.#ended) operation.complete(null);
      else if (this.#broken !== 0) operation.fail(this.#broken);
      else if (this.readable && this.spend()) this.receive(operation);
      if (operation.over) return operation;
    }
    this.pops.push(operation);
    operation.suspend();
    if (this.readable) this.context.activate(this);
    return operation;
  }

  /** See {@linkcode Queue.getpeername}. */
  override getpeername(): SocketAddress {
    if (this.#peer === null) throw this.error("ENOTCONN", "getpeername");
    return readName(this.#peer);
  }

  /** See {@linkcode Queue.shutdown}. */
  override shutdown(how: "read" | "write" | "both"): void {
    if (this.#state !== CONNECTED) throw this.error("ENOTCONN", "shutdown");
    if (how !== "write") this.#shutdown(SHUT.RD);
    if (how !== "read" && !this.#closing) {
      this.#closing = true;
      this.#finishShutdown();
    }
  }

  /** See {@linkcode Queue.cancel}. */
  override cancel(operation: PooledOperation): void {
    if (operation === this.#connector?.operation) return this.#connector.disconnect();
    if (operation.opcode === Opcode.PUSH && operation.size > 0 && operation.sga !== null) {
      // A part of it is on its way: the rest has to follow, or the stream would be torn.
      const rest = this.start(Opcode.PUSH);
      rest.sga = operation.sga;
      rest.size = operation.size;
      rest.ignored = true;
      operation.sga = null;
      this.pushes.replace(operation, rest);
      rest.suspend();
      return;
    }
    if (unlink(operation, this.pushes)) return this.#finishShutdown();
    unlink(operation, this.pops, ...(this.#backlog ? [this.#backlog.accepts] : []));
  }

  /** See {@linkcode Queue.close}. */
  override close(): void {
    this.#connector?.close();
    this.#backlog?.close();
    super.close();
  }

  /** See {@linkcode SocketQueue.signal}. */
  override signal(events: number): void {
    if (this.#backlog !== null) {
      this.#backlog.ready = true;
      this.context.activate(this);
    } else if (this.#state === CONNECTING) {
      if (this.#connector!.signal(events)) this.signal(events);
    } else {
      if ((events & ~(EPOLL.IN | EPOLL.OUT)) !== 0) this.#hangup = true;
      super.signal(events);
    }
  }

  /** See {@linkcode SocketQueue.serve}. */
  override serve(): number {
    return this.#backlog === null ? super.serve() : this.#backlog.serve();
  }

  /** See {@linkcode SocketQueue.receive}. */
  protected override receive(operation: PooledOperation): void {
    const { receiver } = this.context;
    const size = operation.size === 0 || operation.size > STAGING_SIZE
      ? STAGING_SIZE
      : operation.size;
    if (this.records) return this.#receiveRecord(operation);
    const length = receiver.receive(this.fd, size);
    if (length > 0) {
      // What is short was all there is: the next byte will be told by epoll, unless the end was already.
      if (length < size && !this.#hangup) this.readable = false;
      const sga = receiver.take(length);
      if (sga === null) return this.#endReceive(operation, -1);
      this.#unlinkPop(operation);
      operation.complete(sga);
    } else {
      this.#endReceive(operation, length);
    }
  }

  /**
   * A record is taken whole, however large, unless the pop gave a size of its own. An empty one looks to
   * the kernel's callers as the end does, and is taken for it; a push of none is refused for that reason.
   */
  #receiveRecord(operation: PooledOperation): void {
    const { receiver } = this.context;
    let length = receiver.peek(this.fd);
    if (length < 0 && receiver.errno === Errno.ECONNRESET) {
      // The kernel tells of a reset before the records that came before it.
      this.#lose(Errno.ECONNRESET);
      length = receiver.peek(this.fd);
    }
    if (length <= 0) return this.#endReceive(operation, length);
    const size = operation.size === 0 ? length : Math.min(operation.size, length);
    let sga: HeapSga | null;
    if (size > STAGING_SIZE) {
      sga = receiver.receiveLarge(this.fd, size);
    } else {
      const got = receiver.receive(this.fd, size);
      // Another process took the record that was there, and then the end came: the next look finds it.
      if (got === 0) return;
      sga = got > 0 ? receiver.take(got) : null;
    }
    if (sga === null) return this.#endReceive(operation, -1);
    sga.describe(null, length > size);
    this.#unlinkPop(operation);
    operation.complete(sga);
  }

  #endReceive(operation: PooledOperation, length: number): void {
    const { receiver } = this.context;
    // A reset that a push was told of is told once; here it looks like the end.
    const error = length < 0 ? receiver.errno : this.#torn ? this.#lost : 0;
    if (error === Errno.EAGAIN) {
      this.readable = false;
    } else if (length === 0 && error === 0) {
      this.#ended = true;
      this.#unlinkPop(operation);
      operation.complete(null);
      while (this.pops.head !== null) this.pops.shift().complete(null);
    } else if (error !== Errno.EINTR) {
      this.#unlinkPop(operation);
      this.#broken = this.#lost = error;
      operation.fail(error, length < 0 ? receiver.failure : undefined);
      this.break(error);
    }
  }

  #unlinkPop(operation: PooledOperation): void {
    if (this.pops.head === operation) this.pops.shift();
  }

  /** See {@linkcode SocketQueue.resumePush}. */
  protected override resumePush(operation: PooledOperation<void>): number {
    const sga = operation.sga!;
    const { size } = operation;
    const sent = this.#send(sga, size);
    if (sent >= 0 && sent < sga.totalLength) {
      operation.size = sent;
      return sent - size;
    }
    this.pushes.shift();
    const error = sent < 0 ? this.#lose(this.context.sender.errno) : 0;
    this.#finishShutdown();
    if (sent < 0) operation.fail(error);
    else operation.complete(undefined);
    if (this.#lost !== 0) this.failAll(this.pushes, this.#lost);
    return Math.max(sent - size, 0);
  }

  /**
   * A push failed: another would tear the stream. A record refused for its size does no harm. Gives the errno to
   * tell: nothing is sent here after our own shutdown, so the kernel's EPIPE means that the peer, which has sent its
   * end, takes nothing more.
   */
  #lose(errno: number): number {
    if (errno === Errno.EMSGSIZE) return errno;
    this.#torn ||= errno !== Errno.EPIPE;
    return this.#lost = errno === Errno.EPIPE ? Errno.ECONNRESET : errno;
  }

  /**
   * Sends an sga from byte `start` on, one piece or a whole record; gives how many bytes of it are gone by now,
   * or a negative number.
   */
  #send(sga: HeapSga, start: number): number {
    const { sender } = this.context;
    const most = this.records ? MOST : PIECE;
    const end = Math.min(sga.totalLength, start + most);
    let gone = start;
    while (gone < end) {
      const sent = sender.send(this.fd, sga, gone, end - gone);
      if (sent >= 0) {
        gone += sent;
      } else if (sender.errno === Errno.EAGAIN) {
        this.writable = false;
        this.context.cool(this);
        return gone;
      } else if (sender.errno !== Errno.EINTR) {
        return -1;
      }
    }
    return gone;
  }

  /** The connection is gone: so is everything that waits for it. */
  override break(errno: number): void {
    this.#broken = this.#lost = errno;
    super.break(errno);
  }

  /** Closes the write side if that was asked for, and nothing waits to be sent before. */
  #finishShutdown(): void {
    if (this.#closing && this.pushes.head === null) this.#shutdown(SHUT.WR);
  }

  /** A direction that the peer's reset closed already is closed well enough. */
  #shutdown(how: number): void {
    while (this.context.libc.shutdown(this.fd, how) !== 0) {
      const error = socketErrno();
      if (error === Errno.ENOTCONN) return;
      if (error !== Errno.EINTR) throw this.error(error, "shutdown");
    }
  }

  #checkRecord(sga: HeapSga): void {
    if (sga.totalLength === 0) {
      throw this.error("EINVAL", "push", "an empty record would look like the end to the peer");
    }
    if (sga.numsegs > MESSAGE.SEGMENTS_MAX) {
      throw this.error("EMSGSIZE", "push", `a record has at most ${MESSAGE.SEGMENTS_MAX} segments`);
    }
  }

  #watch(): void {
    if (this.#watched) return;
    this.watch();
    this.#watched = true;
  }
}
