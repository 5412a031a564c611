/**
 * Connections: a stream of sgas in both directions.
 *
 * @module
 */

import { copyToHeap } from "./copy.ts";
import { isCopied, type PopOptions, Socket } from "./socket.ts";
import { streamsOf } from "./streams.ts";
import type { KeepAlive, Operation, OperationOptions, Sga, SocketAddress } from "../pdpix.ts";

/**
 * A connection between addresses of a kind: those of a host and port, or of Unix sockets. `await` its operations,
 * iterate over it, or `yield*` them in a coroutine: all three work on the same connection.
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
export class Connection<A extends SocketAddress = SocketAddress> extends Socket
  implements AsyncIterable<Sga> {
  #localAddr: A | undefined;
  #remoteAddr: A | undefined;

  /** The address of this side; known for ever, as {@linkcode Connection.remoteAddr}. */
  get localAddr(): A {
    return this.#localAddr ??= this.control("use", () => this.libos.getsockname(this.qd) as A);
  }

  /**
   * The address of the other side. It is known for ever, whoever reset or closed the connection; only when the libOS was
   * closed and nobody had asked before, this throws `Deno.errors.BadResource`.
   */
  get remoteAddr(): A {
    return this.#remoteAddr ??= this.control("use", () => this.libos.getpeername(this.qd) as A);
  }

  /**
   * Bytes of pushes that the device did not take yet: how far the peer is behind, beyond what the buffers of the network
   * hold.
   */
  get bufferedAmount(): number {
    return this.control("use", () => this.libos.statistics(this.qd).pushBytes);
  }

  /**
   * Waits for data. It comes as an sga, which is the caller's to free or to push on; null is the end of
   * the stream.
   */
  pop(options?: PopOptions): Operation<Sga | null> {
    return this.startPop(options);
  }

  /**
   * Sends all of an sga, which then is the libOS's, or a copy of bytes, or a text as UTF-8. It is over when every byte
   * was taken. If it throws at once, the sga remains the caller's.
   *
   * A timeout or a signal ends the waiting. If some bytes were taken by then, the rest is sent all the same, since
   * the stream would be broken otherwise; to stop that, close the connection.
   */
  push(data: Sga | Uint8Array | string, options?: OperationOptions): Operation<void> {
    return this.startPush(data, null, options);
  }

  /**
   * As {@linkcode Connection.push}, for who does not wait, as when one message goes to many: says no, and takes nothing,
   * where the data would have to wait behind other data and {@linkcode Connection.bufferedAmount} would exceed `limit`
   * bytes. So a slow client is one that gets a no, and a dead one is one where this throws, `Deno.errors.ConnectionReset`
   * for example; what was taken is lost then.
   *
   * @example A client that does not read
   * ```ts
   * import { assert, assertEquals } from "@std/assert";
   * import { connect, listen, open } from "@demikernel/deno";
   *
   * await using libos = open("catnap");
   * using listener = listen({ libos, hostname: "127.0.0.1", port: 0 });
   * using client = await connect({ libos, port: listener.addr.port });
   * using server = await listener.accept();
   * const news = new Uint8Array(10_000);
   * let taken = 0;
   * while (server.tryPush(news)) taken++;
   * assert(taken > 6);
   * assert(server.bufferedAmount <= 65536);
   * using first = await client.pop({ size: 4 });
   * assertEquals(first?.length, 4);
   * ```
   */
  tryPush(data: Sga | Uint8Array | string, limit = 65536): boolean {
    return this.control("tryPush", () => {
      const copied = isCopied(data);
      const sga = copied ? copyToHeap(this.libos, data) : data;
      try {
        return this.libos.tryPush(this.qd, sga, limit);
      } finally {
        // It is the libOS's, or nobody else has it.
        if (copied) sga.recycle();
      }
    });
  }

  /**
   * Sends small segments at once, as catnap does anyway, or with Nagle's algorithm (RFC 9293, section 3.7.4). This, and
   * the next two, throw {@linkcode DemikernelError} `ENOPROTOOPT` where the libOS has no such option.
   */
  setNoDelay(noDelay = true): void {
    this.control("setNoDelay", () => this.libos.setsockopt(this.qd, "nodelay", noDelay));
  }

  /** Probes the connection while it is idle (RFC 9293, section 3.8.4), or not, or with times of its own. */
  setKeepAlive(keepAlive: boolean | KeepAlive = true): void {
    this.control("setKeepAlive", () => this.libos.setsockopt(this.qd, "keepalive", keepAlive));
  }

  /**
   * Closes it at once, as {@linkcode Socket.close}, and drops what is not sent yet: the peer gets a reset (RFC 9293,
   * section 3.10.5). Over a Unix socket it is a plain close.
   */
  reset(): void {
    this.control("reset", () => this.libos.setsockopt(this.qd, "linger", 0));
    this.close();
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

  /**
   * What arrives, as a stream of bytes of the web, which reads nothing ahead. The reader may bring memory of its own.
   *
   * `cancel()` is {@linkcode LibOS.shutdown} of the read side. Once both this and {@linkcode Connection.writable} are over
   * in whatever way, the connection is closed; as long as one was never asked for, it is not over.
   *
   * @example Lines in capitals
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { connect, open, serve } from "@demikernel/deno";
   *
   * await using libos = open("catnap");
   * await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, (connection) =>
   *   connection.readable
   *     .pipeThrough(new TextDecoderStream())
   *     .pipeThrough(new TransformStream({ transform: (text, to) => to.enqueue(text.toUpperCase()) }))
   *     .pipeThrough(new TextEncoderStream())
   *     .pipeTo(connection.writable));
   *
   * const client = await connect({ libos, port: server.addr.port });
   * const writer = client.writable.getWriter();
   * await writer.write(new TextEncoder().encode("hello"));
   * await writer.close();
   * assertEquals(await new Response(client.readable).text(), "HELLO");
   * ```
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamsOf(this).readable;
  }

  /**
   * What is sent, as a stream of the web: each write is a push.
   *
   * `close()` is {@linkcode Connection.closeWrite}; where a libOS has none, the other side sees the end when the connection is
   * closed, as {@linkcode Connection.readable} says. `abort()` closes the connection at once, with a reset where
   * the libOS has them, since what was sent is not all.
   */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return streamsOf(this).writable;
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
