/**
 * Accepting: the part of a stream socket that is bound.
 *
 * @module
 */

import { Errno } from "../error.ts";
import { OperationList } from "../runtime/operation/list.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import { Timer } from "../runtime/scheduler/timers.ts";
import { Call, type Device } from "./device.ts";
import { errnoOf, reasonOf } from "./errors.ts";

/** Out of descriptors or memory, accepting pauses for so many milliseconds; connections wait in the kernel's backlog. */
const PAUSE = 10;

const OUT_OF_RESOURCES: readonly number[] = [
  Errno.EMFILE,
  Errno.ENFILE,
  Errno.ENOBUFS,
  Errno.ENOMEM,
];

/** The socket itself is bad; every other errno belongs to a connection that died in the backlog. */
const FATAL: readonly number[] = [
  Errno.EBADF,
  Errno.EINVAL,
  Errno.ENOTSOCK,
  Errno.EPERM,
  Errno.EIO,
];

/** Accepts for one listener of Deno's, which it owns. */
export class Backlog {
  readonly #listener: Deno.Listener<Deno.Conn>;
  readonly #device: Device;
  readonly #adopt: (conn: Deno.Conn) => number;
  readonly #call: Call<Deno.Conn>;
  readonly #resume = new Timer(() => this.#accept());
  readonly #accepts = new OperationList();
  /** A connection that came when nobody waited any more. */
  #early: Deno.Conn | null = null;
  #referenced: boolean;
  #isHeld = true;
  #closed = false;

  /** Makes the backlog of a listener; each connection is adopted as a queue. */
  constructor(
    listener: Deno.Listener<Deno.Conn>,
    device: Device,
    referenced: boolean,
    adopt: (conn: Deno.Conn) => number,
  ) {
    this.#listener = listener;
    this.#device = device;
    this.#referenced = referenced;
    this.#adopt = adopt;
    this.#call = new Call(device, (conn) => this.#accepted(conn), (error) => this.#failed(error));
  }

  /** Where the listener is. */
  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  /** Accepts for an operation that has just begun. */
  accept(operation: PooledOperation<number>): void {
    this.#accepts.push(operation);
    operation.suspend();
    const early = this.#early;
    this.#early = null;
    if (early !== null) this.#accepted(early);
    else this.#accept();
    this.#hold();
  }

  /** Forgets an operation that waits; says whether there was one. */
  cancel(operation: PooledOperation): boolean {
    const found = this.#accepts.replace(operation, null);
    this.#hold();
    return found;
  }

  /** Whether what waits keeps the process alive. */
  reference(referenced: boolean): void {
    this.#referenced = referenced;
    this.#hold();
  }

  /** Completes what waits with `ECANCELED`. */
  close(): void {
    this.#closed = true;
    this.#device.scheduler.timers.disarm(this.#resume);
    this.#early?.close();
    // What is under way ends by this, which Deno has to live to see.
    if (!this.#isHeld) this.#listener.ref();
    this.#listener.close();
    while (this.#accepts.head !== null) this.#accepts.shift().fail(Errno.ECANCELED);
  }

  #accept(): void {
    if (this.#call.isUnderWay || this.#resume.armed || this.#accepts.head === null) return;
    this.#call.begin(this.#listener.accept());
  }

  #accepted(conn: Deno.Conn): void {
    if (this.#closed) return conn.close();
    if (this.#accepts.head === null) {
      this.#early = conn;
      return;
    }
    const operation = this.#accepts.shift();
    operation.complete(this.#adopt(conn));
    this.#accept();
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    const errno = errnoOf(error);
    if (OUT_OF_RESOURCES.includes(errno)) {
      const { timers, clock } = this.#device.scheduler;
      timers.arm(this.#resume, clock.read() + PAUSE);
      return;
    }
    if (FATAL.includes(errno)) {
      while (this.#accepts.head !== null) this.#accepts.shift().fail(errno, reasonOf(error));
    }
    this.#accept();
  }

  /** An accept of Deno's goes on when nobody waits for it any more, and must not keep the process alive then. */
  #hold(): void {
    const isHeld = this.#referenced && this.#accepts.head !== null;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#listener.ref();
    else this.#listener.unref();
  }
}
