/**
 * Accepting: the part of a stream socket that listens.
 *
 * @module
 */

import { SOL, TCP } from "../../ffi/libc/constants.ts";
import { DemikernelError, Errno } from "../error.ts";
import { OperationList } from "../runtime/operation/list.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { socketErrno } from "../runtime/socket_errno.ts";
import { Timer } from "../runtime/scheduler/timers.ts";
import { acceptFrom, takeName } from "./address.ts";
import type { CatnapContext } from "./socket_queue.ts";
import { StreamQueue } from "./stream_queue.ts";

/**
 * Out of descriptors or memory, accepting pauses: connections stay in the kernel's backlog, and are
 * accepted when a queue of this libOS is closed, or after so many milliseconds.
 */
const PAUSE = 10;

const OUT_OF_RESOURCES: readonly number[] = [
  Errno.EMFILE,
  Errno.ENFILE,
  Errno.ENOBUFS,
  Errno.ENOMEM,
];

/** The socket itself is bad; every other errno belongs to a connection that died in the backlog. */
const FATAL: readonly number[] = [Errno.EBADF, Errno.EINVAL, Errno.ENOTSOCK, Errno.EPERM];

/** Accepts for one listening socket. */
export class Backlog {
  /** Accepts that wait for a connection. */
  readonly accepts = new OperationList();
  /** Whether there may be a connection. */
  ready = false;
  readonly #socket: StreamQueue;
  readonly #context: CatnapContext;
  readonly #resume = new Timer(() => this.resume());

  /** Makes the backlog of a socket that listens. */
  constructor(socket: StreamQueue, context: CatnapContext) {
    this.#socket = socket;
    this.#context = context;
  }

  /** Accepts for those that wait, as long as it is this queue's turn; says how many ended, and one more if it goes on. */
  serve(): number {
    let ended = 0;
    while (this.accepts.head !== null && this.ready && this.#socket.spend()) {
      if (this.tryAccept(this.accepts.head)) ended++;
    }
    if (this.accepts.head === null || !this.ready) return ended;
    this.#context.activate(this.#socket);
    return ended + 1;
  }

  /** Tries the oldest accept, or one that does not wait yet; says whether it ended. */
  tryAccept(operation: PooledOperation<number>): boolean {
    const { libc } = this.#context;
    const fd = acceptFrom(libc, this.#socket.fd);
    if (fd >= 0) {
      const qd = this.#adopt(fd);
      if (qd === null) {
        this.#pause();
        return false;
      }
      this.#unlink(operation);
      operation.complete(qd);
      return true;
    }
    const error = socketErrno();
    if (error === Errno.EAGAIN) {
      this.ready = false;
    } else if (OUT_OF_RESOURCES.includes(error)) {
      this.#pause();
    } else if (FATAL.includes(error)) {
      this.#unlink(operation);
      operation.fail(error);
      return true;
    }
    return false;
  }

  /** There may be descriptors again. */
  resume(): void {
    this.#context.timers.disarm(this.#resume);
    this.#context.starved.delete(this);
    this.ready = true;
    this.#context.activate(this.#socket);
  }

  /** Completes what waits with `ECANCELED`. */
  close(): void {
    this.#context.timers.disarm(this.#resume);
    this.#context.starved.delete(this);
    while (this.accepts.head !== null) this.accepts.shift().fail(Errno.ECANCELED);
  }

  #pause(): void {
    this.ready = false;
    this.#context.starved.add(this);
    this.#context.timers.arm(this.#resume, this.#context.clock.read() + PAUSE);
  }

  #unlink(operation: PooledOperation): void {
    if (this.accepts.head === operation) this.accepts.shift();
  }

  /**
   * Makes a queue of a connection, that sends small segments at once, as everything here is about latency. Gives
   * null if the kernel has no memory left to watch it: it was closed for that, and is lost.
   */
  #adopt(fd: number): number | null {
    const { domain, records, lingers } = this.#socket;
    const type = records ? "seqpacket" : "stream";
    const queue = new StreamQueue(this.#context, domain, type, fd, takeName());
    queue.lingers = lingers;
    if (domain !== "unix") setNodelay(this.#context, fd);
    try {
      return this.#context.register(queue);
    } catch (error) {
      if (error instanceof DemikernelError) return null;
      throw error;
    }
  }
}

const ON = new Uint8Array([1, 0, 0, 0]);

/** Turns Nagle's algorithm off. */
export function setNodelay(context: CatnapContext, fd: number): void {
  context.libc.setsockopt(fd, SOL.TCP, TCP.NODELAY, ON, ON.length);
}
