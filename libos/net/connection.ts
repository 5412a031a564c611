/**
 * Connections: a stream of sgas in both directions.
 *
 * @module
 */

import { type PopOptions, Socket } from "./socket.ts";
import type { Operation, OperationOptions, Sga, SocketAddress } from "../pdpix.ts";

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
export class Connection extends Socket implements AsyncIterable<Sga> {
  #localAddr: SocketAddress | undefined;
  #remoteAddr: SocketAddress | undefined;

  /** The address of this side; known for ever, as {@linkcode Connection.remoteAddr}. */
  get localAddr(): SocketAddress {
    return this.#localAddr ??= this.control("use", () => this.libos.getsockname(this.qd));
  }

  /**
   * The address of the other side. It is known for ever, whoever reset or closed the connection; only when the libOS was
   * closed and nobody had asked before, this throws `Deno.errors.BadResource`.
   */
  get remoteAddr(): SocketAddress {
    return this.#remoteAddr ??= this.control("use", () => this.libos.getpeername(this.qd));
  }

  /**
   * Waits for data. It comes as an sga, which is the caller's to free or to push on; null is the end of
   * the stream.
   */
  pop(options?: PopOptions): Operation<Sga | null> {
    return this.startPop(options);
  }

  /**
   * Sends all of an sga, which then is the libOS's, or a copy of bytes. It is over when every byte was
   * taken. If it throws at once, the sga remains the caller's.
   *
   * A timeout or a signal ends the waiting. If some bytes were taken by then, the rest is sent all the same, since
   * the stream would be broken otherwise; to stop that, close the connection.
   */
  push(data: Sga | Uint8Array, options?: OperationOptions): Operation<void> {
    return this.startPush(data, null, options);
  }

  /** See {@linkcode Socket.close}. */
  override close(): void {
    if (this.open) this.#keepAddresses();
    super.close();
  }

  /** Says that nothing more will be pushed; the other side may still send. */
  closeWrite(): void {
    this.control("closeWrite", () => this.libos.shutdown(this.qd, "write"));
  }

  /** Iterates over what arrives, until the end of the stream. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    return this.iterate();
  }

  /** Asks for what the libOS will have forgotten. */
  #keepAddresses(): void {
    try {
      void [this.localAddr, this.remoteAddr];
    } catch {
      // It was closed itself, and has forgotten.
    }
  }
}
