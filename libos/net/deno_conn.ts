/**
 * Connections and listeners in the shape of Deno's own, for code that was written for those.
 *
 * @module
 */

import type { InetAddress, SocketAddress } from "../pdpix.ts";
import type { Connection } from "./connection.ts";
import { copyTo } from "./copy.ts";
import { withDenoErrors } from "./errors.ts";
import type { Listener } from "./listener.ts";
import type { Socket } from "./socket.ts";

/** An address as Deno has it. */
export type DenoAddr<A extends SocketAddress> = A extends InetAddress ? Deno.NetAddr
  : Deno.UnixAddr;

/**
 * A connection as a `Deno.Conn`, and as a `Deno.TcpConn`. It is another view of the connection, which may be used
 * beside it.
 *
 * What is different from Deno's: `readable` and `writable` are those of the {@linkcode Connection}, so that to close or
 * cancel one of them does not close the other; `write` always takes all of its bytes; several reads may wait at once; and
 * where the libOS cannot close one direction, `closeWrite` rejects with `Deno.errors.NotSupported`.
 *
 * @example Code that knows nothing of it
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, DenoConn, DenoListener, listen, open } from "@demikernel/deno";
 *
 * async function echo(listener: Deno.Listener) {
 *   for await (const conn of listener) await conn.readable.pipeTo(conn.writable);
 * }
 *
 * async function ask(conn: Deno.Conn, question: string) {
 *   await conn.write(new TextEncoder().encode(question));
 *   const answer = new Uint8Array(100);
 *   const length = await conn.read(answer);
 *   return new TextDecoder().decode(answer.subarray(0, length ?? 0));
 * }
 *
 * await using libos = open("catnap");
 * using listener = new DenoListener(listen({ libos, hostname: "127.0.0.1", port: 0 }));
 * const served = echo(listener);
 * const conn = new DenoConn(await connect({ libos, port: listener.addr.port }));
 * assertEquals(await ask(conn, "hello"), "hello");
 * conn.close();
 * listener.close();
 * await served;
 * ```
 */
export class DenoConn<A extends SocketAddress = InetAddress> implements Deno.Conn<DenoAddr<A>> {
  /** The connection that it is. */
  readonly connection: Connection;

  /** Gives a connection that shape. */
  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** The address of this side. */
  get localAddr(): DenoAddr<A> {
    return toDenoAddr(this.connection.localAddr as A);
  }

  /** The address of the other side. */
  get remoteAddr(): DenoAddr<A> {
    return toDenoAddr(this.connection.remoteAddr as A);
  }

  /** See {@linkcode Connection.readable}. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.connection.readable;
  }

  /** See {@linkcode Connection.writable}. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.connection.writable;
  }

  /** Reads into memory, and gives how many bytes that was; null is the end of the stream. */
  async read(p: Uint8Array): Promise<number | null> {
    if (p.length === 0) return 0;
    using sga = await this.connection.pop({ size: p.length });
    if (sga === null) return null;
    copyTo(sga, p);
    return sga.length;
  }

  /** Sends all bytes, and gives how many that was. */
  async write(p: Uint8Array): Promise<number> {
    const { length } = p;
    await this.connection.push(p);
    return length;
  }

  /** See {@linkcode Connection.closeWrite}. */
  async closeWrite(): Promise<void> {
    await Promise.try(() => this.connection.closeWrite());
  }

  /** Closes the connection. Throws `Deno.errors.BadResource` if it is closed. */
  close(): void {
    this.connection.close();
  }

  /** See {@linkcode Socket.ref}; harmless when it is closed. */
  ref(): void {
    if (this.connection.open) this.connection.ref();
  }

  /** See {@linkcode Socket.unref}; harmless when it is closed. */
  unref(): void {
    if (this.connection.open) this.connection.unref();
  }

  /** Sends small segments at once; no libOS does otherwise unless it has the option `nodelay`. */
  setNoDelay(noDelay = true): void {
    setOption(this.connection, "nodelay", noDelay);
  }

  /** Probes an idle connection, where the libOS has the option `keepalive`. */
  setKeepAlive(keepAlive = true): void {
    setOption(this.connection, "keepalive", keepAlive);
  }

  /** Closes the connection, if that was not done yet. */
  [Symbol.dispose](): void {
    this.connection[Symbol.dispose]();
  }
}

/** A listener as a `Deno.Listener`; its connections are {@linkcode DenoConn}s. There is an example there. */
export class DenoListener<A extends SocketAddress>
  implements Deno.Listener<DenoConn<A>, DenoAddr<A>> {
  /** The listener that it is. */
  readonly listener: Listener<A>;

  /** Gives a listener that shape. */
  constructor(listener: Listener<A>) {
    this.listener = listener;
  }

  /** Where it listens. */
  get addr(): DenoAddr<A> {
    return toDenoAddr(this.listener.addr);
  }

  /** Waits for the next connection. */
  async accept(): Promise<DenoConn<A>> {
    return new DenoConn<A>(await this.listener.accept());
  }

  /** Closes it. Throws `Deno.errors.BadResource` if it is closed. */
  close(): void {
    this.listener.close();
  }

  /** See {@linkcode Socket.ref}; harmless when it is closed. */
  ref(): void {
    if (this.listener.open) this.listener.ref();
  }

  /** See {@linkcode Socket.unref}; harmless when it is closed. */
  unref(): void {
    if (this.listener.open) this.listener.unref();
  }

  /** Iterates over the connections, until it is closed. Leaving the loop early closes it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<DenoConn<A>, undefined> {
    const connections = this.listener[Symbol.asyncIterator]();
    const end = { done: true, value: undefined } as const;
    return {
      async next() {
        const { done, value } = await connections.next();
        return done ? end : { done: false, value: new DenoConn<A>(value) };
      },
      async return() {
        await connections.return?.();
        return end;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Closes it, if that was not done yet. */
  [Symbol.dispose](): void {
    this.listener[Symbol.dispose]();
  }
}

function toDenoAddr<A extends SocketAddress>(address: A): DenoAddr<A> {
  const transport = "path" in address ? "unix" : "tcp";
  return { transport, ...address } as unknown as DenoAddr<A>;
}

/** Sets an option where there is one. */
function setOption({ libos, qd, open }: Socket, option: "nodelay" | "keepalive", on: boolean) {
  if (open && !libos.capabilities.options.includes(option)) return;
  withDenoErrors(() => libos.setsockopt(qd, option, on));
}
