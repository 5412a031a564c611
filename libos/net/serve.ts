/**
 * Serving: a listener, and a handler for each connection.
 *
 * @module
 */

import { checkKind, checkOptions, wrongKind } from "../check.ts";
import type { Connection } from "./connection.ts";
import type { Endpoint, InetEndpoint, UnixEndpoint } from "./endpoint.ts";
import { isClosed, Lease } from "./lease.ts";
import { listen, type Listener, type ListenOptions } from "./listener.ts";
import { print, report } from "./report.ts";
import { claim, type Socket } from "./socket.ts";
import type {
  Coroutine,
  InetAddress,
  LibOS,
  Operation,
  SocketAddress,
  UnixAddress,
} from "../pdpix.ts";

/**
 * What serves one connection: an async function, or a generator function, which costs less than half. The
 * connection is closed when it ends, however it ends; a push that it did not wait for may be lost then. What
 * it gives is waited for, and not looked at.
 */
export type Handler = (
  connection: Connection,
) => Coroutine<unknown> | PromiseLike<unknown> | Operation<unknown> | void;

/** What to serve on, and how. */
export type ServeOptions<E extends Endpoint = Endpoint> = ListenOptions<E> & {
  /** Closes the server, and all its connections, at once. */
  readonly signal?: AbortSignal;
  /** Called when the server listens. */
  readonly onListen?: (addr: SocketAddress) => void;
  /**
   * Called with what a handler threw; its connection is closed, and no other is touched. By default it is printed: in
   * one line if it comes from the network, else with its stack. Nothing is printed when the connection's own peer went
   * away, or let a `pop` wait for longer than its `timeout`.
   */
  readonly onError?: (error: unknown, connection: Connection) => void;
};

/**
 * Serves, in the manner of `Deno.serve`. Throws as {@linkcode listen}, and the reason of a signal that was
 * aborted before.
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
  checkOptions("serve", options, {
    signal: "an AbortSignal",
    onListen: "a function",
    onError: "a function",
  });
  checkHandler(handler);
  options.signal?.throwIfAborted();
  const lease = new Lease(options);
  let listener: Listener | undefined;
  try {
    listener = listen({ ...options, libos: lease.libos });
    options.onListen?.(listener.addr);
    return new Server(listener, lease, options, handler);
  } catch (error) {
    listener?.close();
    void lease.end();
    throw error;
  }
}

/** A server; {@linkcode serve} makes it. */
export class Server<A extends SocketAddress = SocketAddress> implements AsyncDisposable {
  /** Where it listens. */
  readonly addr: A;
  /**
   * Resolves when it listens no more and every handler has ended; rejects if accepting failed. Closing its
   * libOS ends it too.
   */
  readonly finished: Promise<void>;
  readonly #libos: LibOS;
  readonly #listener: Listener<A>;
  readonly #lease: Lease;
  readonly #handler: Handler;
  readonly #signal: AbortSignal | undefined;
  readonly #onError: (error: unknown, connection: Connection) => void;
  readonly #connections = new Map<Connection, Promise<void>>();
  /** What is done to connections now that no more are accepted; null as long as they are. */
  #end: ((connection: Connection) => void) | null = null;
  #referenced = true;

  /** Begins to serve on a listener, which it then owns. */
  constructor(
    listener: Listener<A>,
    lease: Lease,
    options: Pick<ServeOptions, "signal" | "onError">,
    handler: Handler,
  ) {
    this.addr = listener.addr;
    this.#libos = listener.libos;
    this.#listener = listener;
    this.#lease = lease;
    this.#handler = handler;
    this.#signal = options.signal;
    this.#onError = options.onError ?? report;
    this.finished = this.#run();
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Stops gracefully: no more connections are accepted, and each open one sees the end of its stream once
   * what has arrived was popped, so that its handler ends after it has answered. Resolves as `finished`: a
   * handler that waits for something else is waited for; the signal ends that.
   */
  shutdown(): Promise<void> {
    this.#stop((connection) => this.#endInput(connection));
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

  async #run(): Promise<void> {
    const abort = () => this.#stop((connection) => connection[Symbol.dispose]());
    this.#signal?.addEventListener("abort", abort);
    // As `onListen` may have done.
    if (this.#signal?.aborted) abort();
    try {
      await this.#accept();
    } catch (error) {
      if (this.#end === null && !isClosed(this.#libos)) throw error;
    } finally {
      this.#listener[Symbol.dispose]();
      while (this.#connections.size > 0) await Promise.all(this.#connections.values());
      this.#signal?.removeEventListener("abort", abort);
      await this.#lease.end();
    }
  }

  /** No coroutine, as handlers need not be: the operations of an async function are promises from the first on. */
  async #accept(): Promise<never> {
    for (;;) {
      const connection = await this.#listener.accept();
      if (!this.#referenced) this.#reference(connection);
      const served = this.#serve(connection);
      // Not in `#serve`, which may be over by now.
      this.#connections.set(
        connection,
        served.finally(() => this.#connections.delete(connection)),
      );
      // It had been accepted already when the server was stopped.
      this.#end?.(connection);
    }
  }

  async #serve(connection: Connection): Promise<void> {
    claim(connection, (error) => this.#reportUnclaimed(error, connection));
    try {
      const result = this.#handler(connection);
      await (isCoroutine(result) ? this.#libos.spawn(result) : result);
    } catch (error) {
      if (!this.#isClosing(error, connection)) this.#report(error, connection);
    } finally {
      connection[Symbol.dispose]();
    }
  }

  /** Whether an error only tells that the connection, or the libOS, was closed under its handler: who did it knows. */
  #isClosing(error: unknown, connection: Connection): boolean {
    const { code } = (error ?? {}) as { code?: unknown };
    if (isClosed(this.#libos) && (code === "EBADF" || code === "ECANCELED" || code === "ENODEV")) {
      return true;
    }
    if (error instanceof Deno.errors.Interrupted) return !connection.open;
    return error instanceof Deno.errors.BadResource && !!this.#signal?.aborted;
  }

  /** What failed while the handler did not wait for it, such as a push that was under way when it ended. */
  #reportUnclaimed(error: unknown, connection: Connection): void {
    if (!isClosed(this.#libos) && !this.#signal?.aborted) this.#report(error, connection);
  }

  /** What `onError` throws, or rejects with, harms nobody. */
  #report(error: unknown, connection: Connection): void {
    Promise.try(() => this.#onError(error, connection)).catch(print);
  }

  #endInput(connection: Connection): void {
    if (!connection.open || isClosed(this.#libos)) return;
    if (this.#libos.capabilities.halfClose) this.#libos.shutdown(connection.qd, "read");
    else connection.close();
  }

  #stop(end: (connection: Connection) => void): void {
    this.#end = end;
    this.#listener[Symbol.dispose]();
    for (const connection of this.#connections.keys()) end(connection);
  }

  #setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const one of [this.#listener, ...this.#connections.keys()]) this.#reference(one);
  }

  #reference(one: Socket): void {
    if (!one.open || isClosed(this.#libos)) return;
    if (this.#referenced) one.ref();
    else one.unref();
  }
}

/** An operation has a `next` too. */
function isCoroutine(result: ReturnType<Handler>): result is Coroutine<unknown> {
  const { next, then } = (result ?? {}) as Partial<Coroutine<unknown> & PromiseLike<unknown>>;
  return typeof next === "function" && typeof then !== "function";
}

/** Refuses what is no handler, as far as that can be seen. */
function checkHandler(handler: Handler): void {
  checkKind("serve", "handler", handler, "a function");
  if (Object.prototype.toString.call(handler) !== "[object AsyncGeneratorFunction]") return;
  throw wrongKind("serve", "handler", handler, "an async function or a generator function");
}
