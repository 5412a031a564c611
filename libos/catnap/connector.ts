/**
 * Connecting: the part of a stream socket that is on its way to its peer.
 *
 * @module
 */

import { EPOLL, SO, SOL } from "../../ffi/libc/constants.ts";
import { errno } from "../../ffi/libc/memory.ts";
import { Errno } from "../error.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { socketErrno } from "../runtime/socket_errno.ts";
import { Timer } from "../runtime/scheduler/timers.ts";
import { makeName, type Name, nameOf } from "./address.ts";
import type { CatnapContext } from "./socket_queue.ts";
import type { StreamQueue } from "./stream_queue.ts";

/** A Unix socket whose peer's backlog is full is not told when there is room: ask again, in milliseconds. */
const RETRY = 1;

/** `struct sockaddr` of the family `AF_UNSPEC`: to connect there is to disconnect. */
const UNSPECIFIED = new Uint8Array(16);

/** Connects one socket, as often as it takes. */
export class Connector {
  /** The connect that is under way. */
  operation: PooledOperation<void> | null = null;
  readonly #socket: StreamQueue;
  readonly #context: CatnapContext;
  readonly #over: (peer: Name | null) => void;
  readonly #retry = new Timer(() => this.#try());
  #layout: Uint8Array<ArrayBuffer> = UNSPECIFIED;

  /** Makes the connector of a socket that epoll watches; `over` is told where each connect led, or null. */
  constructor(socket: StreamQueue, context: CatnapContext, over: (peer: Name | null) => void) {
    this.#socket = socket;
    this.#context = context;
    this.#over = over;
  }

  /** Begins to connect. None may be under way. */
  begin(operation: PooledOperation<void>, layout: Uint8Array<ArrayBuffer>): void {
    this.operation = operation;
    this.#layout = layout;
    this.#try();
    if (!operation.over) operation.suspend();
  }

  /** Epoll says so, while a connect is under way; says whether the socket is connected now. */
  signal(events: number): boolean {
    const error = this.#pendingError();
    if (error !== 0) {
      this.#fail(error);
      return false;
    }
    if ((events & EPOLL.OUT) === 0 || (events & EPOLL.HUP) !== 0) return false;
    this.#succeed();
    return true;
  }

  /** Lets go of a connection under way, or of one that failed, so that the socket can connect anew. */
  disconnect(): void {
    const { libc, timers } = this.#context;
    this.operation = null;
    timers.disarm(this.#retry);
    if (this.#socket.domain !== "unix") {
      libc.connect(this.#socket.fd, UNSPECIFIED, UNSPECIFIED.length);
      this.#pendingError();
      this.#context.forget(this.#socket);
    }
    this.#over(null);
  }

  /** Completes what is under way with `ECANCELED`. */
  close(): void {
    const { operation } = this;
    this.operation = null;
    this.#context.timers.disarm(this.#retry);
    operation?.fail(Errno.ECANCELED);
  }

  #try(): void {
    const { libc, timers, clock } = this.#context;
    const result = libc.connect(this.#socket.fd, this.#layout, this.#layout.length);
    // That of a file may be anything that a file system says.
    const isFile = this.#socket.domain === "unix";
    const error = result === 0 ? 0 : isFile ? errno() : socketErrno();
    if (error === 0) this.#succeed();
    else if (error === Errno.EAGAIN) timers.arm(this.#retry, clock.read() + RETRY);
    else if (error === Errno.EINTR) this.#try();
    // It was under way already where an errno was not believed.
    else if (error !== Errno.EINPROGRESS && error !== Errno.EALREADY) this.#fail(error);
  }

  #succeed(): void {
    const operation = this.operation!;
    this.operation = null;
    // The kernel does not tell of a peer that has reset the connection by now.
    const peer = nameOf(this.#context.libc, this.#socket.fd, "getpeername");
    this.#over(peer ?? makeName(this.#layout));
    operation.complete(undefined);
  }

  #fail(errno: number): void {
    const operation = this.operation!;
    this.disconnect();
    operation.fail(errno);
  }

  /** Reads the error of the socket, which is none then. */
  #pendingError(): number {
    const value = new Int32Array(1);
    const length = Uint32Array.of(4);
    this.#context.libc.getsockopt(this.#socket.fd, SOL.SOCKET, SO.ERROR, value, length);
    return value[0]!;
  }
}
