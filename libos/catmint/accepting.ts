/**
 * Accepting: the part of a stream socket that listens. Connections are made before somebody accepts them, as many as the
 * backlog holds; the others wait in the kernel's.
 *
 * @module
 */

import { Errno } from "../error.ts";
import { OperationList } from "../runtime/operation/list.ts";
import type { PooledOperation } from "../runtime/operation/operation.ts";
import type { Connection } from "./connection.ts";
import type { CatmintContext } from "./context.ts";
import { answer } from "./handshake.ts";
import type { Coroutine } from "../pdpix.ts";

/** Accepts for one listening socket. */
export class Accepting {
  readonly #context: CatmintContext;
  /** The socket of TCP that listens. */
  readonly #qd: number;
  readonly #backlog: number;
  /** Makes a queue of a connection, and gives its descriptor. */
  readonly #adopt: (connection: Connection) => number;
  readonly #accepts = new OperationList();
  readonly #ready: Connection[] = [];
  /** Those that are being made. */
  readonly #begun = new Set<number>();
  #isAccepting = false;
  #isClosed = false;

  /** Begins to listen with a socket of TCP that does already. */
  constructor(
    context: CatmintContext,
    qd: number,
    backlog: number,
    adopt: (connection: Connection) => number,
  ) {
    this.#context = context;
    this.#qd = qd;
    this.#backlog = backlog;
    this.#adopt = adopt;
    this.#go();
  }

  /** Takes a connection, or waits for one. */
  accept(operation: PooledOperation<number>): void {
    if (this.#accepts.head === null && this.#ready.length > 0) return this.#complete(operation);
    this.#accepts.push(operation);
    operation.suspend();
  }

  /** Unlinks one that waits. */
  cancel(operation: PooledOperation): void {
    this.#accepts.replace(operation, null);
  }

  /** Listens no more: what waits is over, and who was not accepted is reset. */
  close(): void {
    this.#isClosed = true;
    while (this.#accepts.head !== null) this.#accepts.shift().fail(Errno.ECANCELED);
    for (const connection of this.#ready) connection.close(true);
    for (const qd of this.#begun) this.#context.hangUp(qd);
    this.#context.hangUp(this.#qd);
  }

  #complete(operation: PooledOperation<number>): void {
    operation.complete(this.#adopt(this.#ready.shift()!));
    this.#go();
  }

  /** Accepts the next one, if there is room. */
  #go(): void {
    const isFull = this.#ready.length + this.#begun.size >= this.#backlog;
    if (this.#isAccepting || this.#isClosed || isFull) return;
    this.#isAccepting = true;
    void this.#context.scheduler.spawn(this.#accept());
  }

  *#accept(): Coroutine {
    const { control } = this.#context;
    let qd: number;
    try {
      qd = yield* control.operations.accept(this.#qd);
    } catch {
      // It was closed, or cannot accept ever again.
      return;
    } finally {
      this.#isAccepting = false;
    }
    control.unref(qd);
    this.#begun.add(qd);
    this.#go();
    try {
      const connection = yield* answer(this.#context, qd);
      this.#begun.delete(qd);
      this.#made(connection);
    } catch {
      // Whoever it was is of no interest any more.
      if (this.#begun.delete(qd) && !this.#isClosed) this.#context.hangUp(qd);
      this.#go();
    }
  }

  #made(connection: Connection): void {
    if (this.#isClosed) return connection.close(true);
    this.#ready.push(connection);
    if (this.#accepts.head !== null) this.#complete(this.#accepts.shift());
  }
}
