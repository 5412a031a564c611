/**
 * Connections: a stream of sgas in both directions.
 *
 * @module
 */

import { copyToHeap } from "./copy.ts";
import { DENO_ERRORS, toDenoError, withDenoErrors } from "./errors.ts";
import { closeQueue } from "./lease.ts";
import { checkLimits } from "./limits.ts";
import { PopIterator } from "./pop_iterator.ts";
import type {
  LibOS,
  Operation,
  OperationOptions,
  Operations,
  QueueDescriptor,
  Sga,
  SocketAddress,
} from "../pdpix.ts";

/** How {@linkcode Connection.pop} pops. */
export interface PopOptions extends OperationOptions {
  /** The most bytes to give; as many as there are by default. */
  readonly size?: number;
}

/**
 * A connection. `await` its operations, iterate over it, or `yield*` them in a coroutine: all three work on
 * the same connection.
 *
 * Errors are those of Deno, such as `Deno.errors.ConnectionReset`; their `cause` is the
 * {@linkcode DemikernelError}. What Deno has no class for arrives as a {@linkcode DemikernelError}, to be told by its
 * `code`: arguments that make no sense (`EINVAL`, a timeout that is no number for example), a host that cannot be
 * reached (`EHOSTUNREACH`, `EHOSTDOWN`, `ENETDOWN`), and what ran out (`ENOMEM`, `ENOBUFS`, `EMFILE`).
 *
 * @example Both kinds of handler
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, type Connection, open, serve } from "@demikernel/deno";
 *
 * async function iterator(connection: Connection) {
 *   for await (const sga of connection) await connection.push(sga);
 * }
 *
 * function* generator(connection: Connection) {
 *   for (;;) {
 *     const sga = yield* connection.pop();
 *     if (sga === null) return;
 *     yield* connection.push(sga);
 *   }
 * }
 *
 * await using libos = open("catnap");
 * for (const handler of [iterator, generator]) {
 *   await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, handler);
 *   using connection = await connect({ libos, port: server.addr.port });
 *   await connection.push(new TextEncoder().encode("ping"));
 *   using sga = await connection.pop();
 *   assertEquals(new TextDecoder().decode(sga?.bytes()), "ping");
 * }
 * ```
 */
export class Connection implements Disposable, AsyncIterable<Sga> {
  /** The libOS it is on. */
  readonly libos: LibOS;
  /** Its queue there. */
  readonly qd: QueueDescriptor;
  readonly #closed: ((connection: Connection) => void) | undefined;
  readonly #operations: Operations;
  #open = true;

  /** Wraps a connected queue, which it then owns; `closed` is called when it is closed. */
  constructor(libos: LibOS, qd: QueueDescriptor, closed?: (connection: Connection) => void) {
    this.libos = libos;
    this.qd = qd;
    this.#operations = libos.operations;
    this.#closed = closed;
  }

  /** Whether it was not closed yet, from this side. */
  get open(): boolean {
    return this.#open;
  }

  /** The address of this side. */
  get localAddr(): SocketAddress {
    return this.#control(() => this.libos.getsockname(this.qd));
  }

  /** The address of the other side. */
  get remoteAddr(): SocketAddress {
    return this.#control(() => this.libos.getpeername(this.qd));
  }

  /**
   * Waits for data. It comes as an sga, which is the caller's to free or to push on; null is the end of
   * the stream.
   */
  pop(options?: PopOptions): Operation<Sga | null> {
    this.#check("pop");
    if (options !== undefined) checkLimits(options);
    try {
      const operation = this.#operations.pop(this.qd, options?.size, DENO_ERRORS);
      return options === undefined ? operation : operation.within(options);
    } catch (error) {
      throw toDenoError(error);
    }
  }

  /**
   * Sends all of an sga, which then is the libOS's, or a copy of bytes. It is over when every byte was
   * taken. If it throws at once, the sga remains the caller's.
   *
   * A timeout or a signal ends the waiting. If some bytes were taken by then, the rest is sent all the same, since
   * the stream would be broken otherwise; to stop that, close the connection.
   */
  push(data: Sga | Uint8Array, options?: OperationOptions): Operation<void> {
    this.#check("push");
    if (options !== undefined) checkLimits(options);
    const sga = data instanceof Uint8Array ? copyToHeap(this.libos, data) : data;
    try {
      const operation = this.#operations.push(this.qd, sga, DENO_ERRORS);
      const limited = options === undefined ? operation : operation.within(options);
      // Nobody else has the handle of a copy.
      if (sga !== data) sga.recycle();
      return limited;
    } catch (error) {
      if (sga !== data) sga.free();
      throw toDenoError(error);
    }
  }

  /** Says that nothing more will be pushed; the other side may still send. */
  closeWrite(): void {
    this.#control(() => this.libos.shutdown(this.qd, "write"));
  }

  /**
   * Closes it. What is pending on it fails with `Deno.errors.Interrupted`, pushes included: wait for those
   * that matter. Iteration ends. The libOS closes what is open when it is closed itself.
   */
  close(): void {
    this.#check("close");
    this.#open = false;
    closeQueue(this.libos, this.qd);
    this.#closed?.(this);
  }

  /** Keeps the process alive while an operation is pending; the default. */
  ref(): void {
    this.#control(() => this.libos.ref(this.qd));
  }

  /** Lets the process end although an operation is pending. */
  unref(): void {
    this.#control(() => this.libos.unref(this.qd));
  }

  /** Iterates over what arrives, until the end of the stream. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    return new PopIterator(this.libos, this.qd, this);
  }

  /** As {@linkcode Connection.close}, and harmless when it was closed already. */
  [Symbol.dispose](): void {
    if (this.#open) this.close();
  }

  #control<T>(call: () => T): T {
    this.#check("use");
    return withDenoErrors(call);
  }

  #check(operation: string): void {
    if (!this.#open) throw closed(operation);
  }
}

function closed(operation: string): Error {
  return new Deno.errors.BadResource(`Cannot ${operation} connection: it was closed`);
}
