/**
 * A connection as a stream of Node.
 *
 * @module
 */

import { Duplex } from "node:stream";
import { checkTimeout, DemikernelError } from "../error.ts";
import type { Connection } from "../net/mod.ts";
import type { InetAddress, KeepAlive, SocketAddress, SocketOptions } from "../pdpix.ts";
import { toNodeError } from "./errors.ts";

/** The most bytes in one push: what is written in one piece, however large, takes no more memory of the libOS. */
const PIECE = 256 * 1024;

/** How many bytes are read ahead, and written before `write` says no, by default. */
const HIGH_WATER_MARK = 64 * 1024;

/** The longest that a timer can wait, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** How a connection is made a stream. */
export interface DuplexOptions {
  /**
   * Whether the write side stays open when the other side has ended its own.
   *
   * @default {false}
   */
  readonly allowHalfOpen?: boolean;
  /** How many bytes are read ahead, and written before `write` says no; 64 KiB each by default. */
  readonly highWaterMark?: number;
}

/** A connection to come. */
export interface Connecting {
  /** Where to. */
  readonly address: SocketAddress;
  /** Connects. */
  connect(signal: AbortSignal): PromiseLike<Connection>;
}

/** The address of one side, as `socket.address()` gives it; empty for a Unix socket. */
export interface NodeAddress {
  /** The IP address. */
  address?: string;
  /** `IPv4` or `IPv6`. */
  family?: "IPv4" | "IPv6";
  /** The port. */
  port?: number;
}

/**
 * A connection as a `Duplex` with what `net.Socket` has, so that Node's protocols, and all that is built upon them,
 * work over any libOS. It owns the connection. {@linkcode createConnection} makes one that connects, {@linkcode attach}
 * one for each that is accepted.
 *
 * It reads only as fast as it is read, so that the peer feels it. Errors have Node's `code`, `errno` and `syscall`, and
 * the connection's own as `cause`. Where the libOS cannot close one direction alone (`capabilities.halfClose`), the
 * end of the write side is the end of both.
 *
 * @example An echo
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { text } from "node:stream/consumers";
 * import { open, serve } from "@demikernel/deno";
 * import { ConnectionDuplex, createConnection } from "@demikernel/deno/node";
 *
 * await using libos = open("catnap");
 * await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, (connection) => {
 *   const socket = new ConnectionDuplex(connection);
 *   socket.pipe(socket);
 *   return new Promise<void>((resolve) => socket.on("close", resolve));
 * });
 * const socket = createConnection({ libos, port: server.addr.port });
 * socket.end("ping");
 * assertEquals(await text(socket), "ping");
 * ```
 */
export class ConnectionDuplex extends Duplex {
  #connection: Connection | null = null;
  #connecting: (Connecting & { readonly abort: AbortController }) | null = null;
  #bytesRead = 0;
  #bytesPushed = 0;
  #resets = false;
  #referenced = true;
  /** Socket options that were set before there was a socket. */
  readonly #early = new Map<keyof SocketOptions, boolean | KeepAlive>();
  #timeout = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastActive = 0;

  /** Takes a connection over, or makes one. */
  constructor(
    connection: Connection | Connecting,
    { allowHalfOpen = false, highWaterMark = HIGH_WATER_MARK }: DuplexOptions = {},
  ) {
    super({ allowHalfOpen, highWaterMark });
    if ("connect" in connection) this.#connecting = { ...connection, abort: new AbortController() };
    else this.#connection = connection;
  }

  /** Whether it is not connected yet. */
  get connecting(): boolean {
    return this.#connecting !== null;
  }

  /** Whether it is not connected yet, or no more. */
  get pending(): boolean {
    return this.connecting || this.destroyed;
  }

  /** Which sides are open. */
  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    if (this.readable) return this.writable ? "open" : "readOnly";
    return this.writable ? "writeOnly" : "closed";
  }

  /** How many bytes arrived. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** How many bytes were written, with those that still wait. */
  get bytesWritten(): number {
    return this.#bytesPushed + this.writableLength;
  }

  /** The milliseconds that were given to {@linkcode ConnectionDuplex.setTimeout}; undefined if there is no timeout. */
  get timeout(): number | undefined {
    return this.#timeout || undefined;
  }

  /** The IP address of this side; undefined before it is connected, and for a Unix socket. */
  get localAddress(): string | undefined {
    return this.address().address;
  }

  /** The port of this side. */
  get localPort(): number | undefined {
    return this.address().port;
  }

  /** `IPv4` or `IPv6`, of this side. */
  get localFamily(): string | undefined {
    return this.address().family;
  }

  /** The IP address of the other side; undefined before it is connected, and for a Unix socket. */
  get remoteAddress(): string | undefined {
    return this.#address("remoteAddr").address;
  }

  /** The port of the other side. */
  get remotePort(): number | undefined {
    return this.#address("remoteAddr").port;
  }

  /** `IPv4` or `IPv6`, of the other side. */
  get remoteFamily(): string | undefined {
    return this.#address("remoteAddr").family;
  }

  /** The address of this side. */
  address(): NodeAddress {
    return this.#address("localAddr");
  }

  /** Does nothing but what `net.Socket` gives: it connects already to what it was made for. Libraries ask for it. */
  connect(): this {
    return this;
  }

  /** Sends small segments at once, where the libOS has such an option. */
  setNoDelay(noDelay = true): this {
    return this.#set("nodelay", noDelay);
  }

  /** Probes the connection when it is idle, for the first time after `initialDelay` milliseconds if that is given. */
  setKeepAlive(enable = false, initialDelay = 0): this {
    const idle = Math.floor(initialDelay / 1000);
    return this.#set("keepalive", enable && idle > 0 ? { idle } : enable);
  }

  /** Emits `timeout` when nothing was read or written for some milliseconds; 0 ends that. */
  setTimeout(milliseconds: number, callback?: () => void): this {
    checkTimeout(milliseconds);
    if (this.destroyed) return this;
    clearTimeout(this.#timer);
    this.#timeout = milliseconds === Infinity ? 0 : Math.min(milliseconds, LONGEST_TIMER);
    if (this.#timeout > 0) {
      this.#lastActive = performance.now();
      this.#startTimer(this.#timeout);
      if (callback !== undefined) this.once("timeout", callback);
    } else if (callback !== undefined) {
      this.off("timeout", callback);
    }
    return this;
  }

  /** Keeps the process alive while it waits; the default. */
  ref(): this {
    return this.#reference(true);
  }

  /** Lets the process end although it waits. */
  unref(): this {
    return this.#reference(false);
  }

  /** Ends the write side, and destroys it when all was sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** Resets the connection: what was not sent is dropped, and the peer gets an error. */
  resetAndDestroy(): this {
    this.#resets = true;
    return this.destroy();
  }

  /** Closes it; a connect that is under way is given up. */
  override destroy(error?: Error): this {
    this.#connecting?.abort.abort();
    return super.destroy(error);
  }

  /** @internal */
  override async _construct(callback: (error?: Error | null) => void): Promise<void> {
    const connecting = this.#connecting;
    if (connecting === null) return callback();
    try {
      this.#connection = await connecting.connect(connecting.abort.signal);
    } catch (error) {
      this.#connecting = null;
      const given = this.destroyed;
      return callback(given ? null : toNodeError(error, "connect", connecting.address));
    }
    this.#connecting = null;
    if (!this.destroyed) this.#applyEarly();
    callback();
    if (this.destroyed) return;
    this.#touch();
    this.emit("connect");
    this.emit("ready");
  }

  /** @internal */
  override async _read(): Promise<void> {
    const connection = this.#connection!;
    let bytes: Uint8Array | null = null;
    try {
      const sga = await connection.pop();
      if (sga !== null) {
        bytes = sga.toUint8Array();
        sga.free();
        this.#bytesRead += bytes.length;
      }
    } catch (error) {
      // Whoever closed the connection knows.
      if (!this.destroyed) this.destroy(connection.open ? toNodeError(error, "read") : undefined);
      return;
    }
    this.#touch();
    if (!this.destroyed) this.push(bytes);
  }

  /** @internal */
  override _write(
    chunk: Uint8Array,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.#send([chunk], callback);
  }

  /** @internal */
  override _writev(
    chunks: { chunk: Uint8Array }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.#send(chunks.map(({ chunk }) => chunk), callback);
  }

  /** @internal */
  override _final(callback: (error?: Error | null) => void): void {
    const connection = this.#connection!;
    if (!connection.libos.capabilities.halfClose) {
      callback();
      this.destroy();
      return;
    }
    try {
      connection.closeWrite();
      callback();
    } catch (error) {
      // The other side has gone: there is nobody to tell.
      callback(error instanceof Deno.errors.NotConnected ? null : toNodeError(error, "shutdown"));
    }
  }

  /** @internal */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    const connection = this.#connection;
    if (connection?.open) {
      if (this.#resets && this.#has("linger")) connection.reset();
      else connection.close();
    }
    callback(error);
  }

  /** Sends all of some chunks, gathered into few pieces, one after the other. */
  async #send(
    chunks: readonly Uint8Array[],
    callback: (error?: Error | null) => void,
  ): Promise<void> {
    this.#touch();
    try {
      let left = chunks.reduce((sum, { length }) => sum + length, 0);
      let offset = 0;
      for (let i = 0; left > 0;) {
        const sga = this.#connection!.libos.alloc(Math.min(left, PIECE));
        const piece = sga.bytes();
        for (let filled = 0; filled < piece.length;) {
          const part = chunks[i]!.subarray(offset, offset + piece.length - filled);
          piece.set(part, filled);
          filled += part.length;
          offset += part.length;
          if (offset === chunks[i]!.length) [i, offset] = [i + 1, 0];
        }
        try {
          await this.#connection!.push(sga);
        } finally {
          sga.free();
        }
        left -= piece.length;
        this.#touch();
        // Counted by the stream until then.
        if (left === 0) this.#bytesPushed += chunks.reduce((sum, { length }) => sum + length, 0);
      }
    } catch (error) {
      return callback(toNodeError(error, "write"));
    }
    callback();
  }

  #address(side: "localAddr" | "remoteAddr"): NodeAddress {
    if (this.#connection === null) return {};
    const { hostname, port } = this.#connection[side] as Partial<InetAddress>;
    if (hostname === undefined) return {};
    return { address: hostname, family: hostname.includes(":") ? "IPv6" : "IPv4", port: port! };
  }

  #set(option: "nodelay" | "keepalive", value: boolean | KeepAlive): this {
    if (this.connecting) this.#early.set(option, value);
    else if (!this.destroyed) this.#apply(option, value);
    return this;
  }

  #has(option: keyof SocketOptions): boolean {
    return this.#connection!.libos.capabilities.options.includes(option);
  }

  /** Sets an option as far as the socket has it, which a Unix socket may not: as `net.Socket`, without a word. */
  #apply(option: keyof SocketOptions, value: SocketOptions[keyof SocketOptions]): void {
    const { libos, qd, open } = this.#connection!;
    if (!open) return;
    try {
      libos.setsockopt(qd, option, value);
    } catch (error) {
      if (!(error instanceof DemikernelError)) throw error;
    }
  }

  #applyEarly(): void {
    for (const [option, value] of this.#early) this.#apply(option, value);
    if (!this.#referenced) this.#connection!.unref();
  }

  #reference(referenced: boolean): this {
    this.#referenced = referenced;
    if (this.#connection?.open) this.#connection[referenced ? "ref" : "unref"]();
    return this;
  }

  #touch(): void {
    if (this.#timeout > 0) this.#lastActive = performance.now();
  }

  /** The timer is not set anew with each byte, but looks, when it fires, how long it is too early. */
  #startTimer(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#lastActive + this.#timeout - performance.now();
      if (left > 0) return this.#startTimer(left);
      this.#timer = undefined;
      this.emit("timeout");
    }, milliseconds);
    this.#timer.unref();
  }
}
