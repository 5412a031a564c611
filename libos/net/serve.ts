/**
 * Serving: a listener, and a handler for each connection.
 *
 * @module
 */

import type { Connection } from "./connection.ts";
import type { Endpoint, InetEndpoint, UnixEndpoint } from "./endpoint.ts";
import { listen, type Listener, type ListenOptions } from "./listener.ts";
import type { Coroutine, InetAddress, LibOS, SocketAddress, UnixAddress } from "../pdpix.ts";

/**
 * What serves one connection: an async function, or a generator function, which costs a third. The
 * connection is closed when it ends, however it ends.
 */
export type Handler = (connection: Connection) => Coroutine | Promise<void> | void;

/** What to serve on, and how. */
export type ServeOptions<E extends Endpoint = Endpoint> = ListenOptions<E> & {
  /** Closes the server, and all its connections, at once. */
  readonly signal?: AbortSignal;
  /** Called when the server listens. */
  readonly onListen?: (addr: SocketAddress) => void;
  /**
   * Called with what a handler threw; its connection is closed, and no other is touched. By default it is
   * printed, unless it is the peer that went away.
   */
  readonly onError?: (error: unknown, connection: Connection) => void;
};

/**
 * Serves, in the manner of `Deno.serve`. Throws as {@linkcode listen}.
 *
 * @example Echo
 * ```ts
 * import { open, serve } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * const server = serve({ libos, hostname: "127.0.0.1", port: 0 }, function* (connection) {
 *   for (;;) {
 *     const sga = yield* connection.pop();
 *     if (sga === null) return;
 *     yield* connection.push(sga);
 *   }
 * });
 * await server.shutdown();
 * ```
 */
export function serve(options: ServeOptions<InetEndpoint>, handler: Handler): Server<InetAddress>;
/** Serves on a Unix socket. */
export function serve(options: ServeOptions<UnixEndpoint>, handler: Handler): Server<UnixAddress>;
/** Serves on either. */
export function serve(options: ServeOptions, handler: Handler): Server;
export function serve(options: ServeOptions, handler: Handler): Server {
  options.signal?.throwIfAborted();
  const server = new Server(listen(options), options, handler);
  options.onListen?.(server.addr);
  return server;
}

/** A server; {@linkcode serve} makes it. */
export class Server<A extends SocketAddress = SocketAddress> implements AsyncDisposable {
  /** Where it listens. */
  readonly addr: A;
  /** Resolves when it listens no more and every handler has ended; rejects if accepting failed. */
  readonly finished: Promise<void>;
  readonly #libos: LibOS;
  readonly #listener: Listener<A>;
  readonly #handler: Handler;
  readonly #onError: (error: unknown, connection: Connection) => void;
  readonly #connections = new Map<Connection, Promise<void>>();
  #listening = true;
  #referenced = true;

  /** Begins to serve on a listener, which it then owns. */
  constructor(
    listener: Listener<A>,
    options: Pick<ServeOptions, "signal" | "onError">,
    handler: Handler,
  ) {
    this.addr = listener.addr;
    this.#libos = listener.libos;
    this.#listener = listener;
    this.#handler = handler;
    this.#onError = options.onError ?? report;
    this.finished = this.#run(options.signal);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Stops gracefully: no more connections are accepted, and each open one sees the end of its stream once
   * what has arrived was popped, so that its handler ends after it has answered. Resolves as `finished`.
   */
  shutdown(): Promise<void> {
    this.#stopListening();
    for (const connection of this.#connections.keys()) this.#endInput(connection);
    return this.finished;
  }

  /** Keeps the process alive; the default. */
  ref(): void {
    this.#setReferenced(true);
  }

  /** Lets the process end although the server listens. */
  unref(): void {
    this.#setReferenced(false);
  }

  /** As {@linkcode Server.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #run(signal: AbortSignal | undefined): Promise<void> {
    const abort = () => {
      this.#stopListening();
      for (const connection of this.#connections.keys()) connection[Symbol.dispose]();
    };
    signal?.addEventListener("abort", abort);
    try {
      await this.#libos.spawn(this.#accept());
    } finally {
      this.#stopListening();
      while (this.#connections.size > 0) await Promise.all(this.#connections.values());
      signal?.removeEventListener("abort", abort);
    }
  }

  *#accept(): Coroutine {
    try {
      for (;;) {
        const connection = yield* this.#listener.accept();
        if (!this.#referenced) connection.unref();
        this.#connections.set(connection, this.#serve(connection));
      }
    } catch (error) {
      if (this.#listening) throw error;
    }
  }

  async #serve(connection: Connection): Promise<void> {
    try {
      const result = this.#handler(connection);
      await (isCoroutine(result) ? this.#libos.spawn(result) : result);
    } catch (error) {
      // Whoever closed the connection under its handler, here or elsewhere, knows about it.
      if (connection.open) this.#report(error, connection);
    } finally {
      connection[Symbol.dispose]();
      this.#connections.delete(connection);
    }
  }

  #report(error: unknown, connection: Connection): void {
    try {
      this.#onError(error, connection);
    } catch (thrown) {
      report(thrown);
    }
  }

  #endInput(connection: Connection): void {
    if (!connection.open) return;
    if (this.#libos.capabilities.halfClose) this.#libos.shutdown(connection.qd, "read");
    else connection.close();
  }

  #stopListening(): void {
    this.#listening = false;
    this.#listener[Symbol.dispose]();
  }

  #setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    if (!this.#listening) return;
    for (const one of [this.#listener, ...this.#connections.keys()]) {
      if (referenced) one.ref();
      else one.unref();
    }
  }
}

function isCoroutine(result: Coroutine | Promise<void> | void): result is Coroutine {
  return typeof result === "object" && "next" in result;
}

/** The errors of a peer that went away. */
const DEPARTURES = [
  Deno.errors.ConnectionReset,
  Deno.errors.ConnectionAborted,
  Deno.errors.BrokenPipe,
];

function report(error: unknown): void {
  if (DEPARTURES.some((departure) => error instanceof departure)) return;
  console.error(error);
}
