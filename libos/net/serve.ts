/**
 * Serving: a listener, and a handler for each connection.
 *
 * @module
 */

import { checkKind, checkOptions, wrongKind } from "../check.ts";
import { checkTimeout } from "../error.ts";
import { LONGEST_TIMER, watchIdle } from "./idle.ts";
import type { Connection } from "./connection.ts";
import type { AddressOf, Endpoint, InetEndpoint, UnixEndpoint } from "./endpoint.ts";
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
export type Handler<A extends SocketAddress = SocketAddress> = (
  connection: Connection<A>,
) => Coroutine<unknown> | PromiseLike<unknown> | Operation<unknown> | void;

/** How to serve connections between addresses of a kind. */
export interface ServerOptions<A extends SocketAddress = SocketAddress> {
  /** Closes the server, and all its connections, at once. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds after which a connection is closed, without an error, on which nothing happens while its handler waits
   * for it: nothing came to be popped, and nothing that is pushed is taken. It may be a quarter more. A handler that does
   * something else meanwhile is left alone. For ever by default.
   */
  readonly idleTimeout?: number;
  /** Called when the server listens. */
  readonly onListen?: (addr: A) => void;
  /**
   * Called with what a handler threw; its connection is closed, and no other is touched. By default it is printed: in
   * one line if it comes from the network, else with its stack. Nothing is printed when the connection's own peer went
   * away, or let a `pop` wait for longer than its `timeout`.
   */
  readonly onError?: (error: unknown, connection: Connection<A>) => void;
}

/** What to serve on, and how. */
export type ServeOptions<E extends Endpoint = Endpoint> =
  & ListenOptions<E>
  & ServerOptions<AddressOf<E>>;

/** How a server stops. */
export interface ShutdownOptions {
  /** Milliseconds after which it is closed as {@linkcode Server.abort} does. For ever by default. */
  readonly deadline?: number;
}

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
export function serve(
  options: ServeOptions<InetEndpoint>,
  handler: Handler<InetAddress>,
): Server<InetAddress>;
/** Serves on a Unix socket. */
export function serve(
  options: ServeOptions<UnixEndpoint>,
  handler: Handler<UnixAddress>,
): Server<UnixAddress>;
/** Serves on either. */
export function serve(options: ServeOptions, handler: Handler): Server;
export function serve(
  options: ListenOptions & ServerOptions<never>,
  handler: Handler<never>,
): Server {
  checkOptions("serve", options, {
    signal: "an AbortSignal",
    onListen: "a function",
    onError: "a function",
  });
  checkHandler(handler);
  if (options.idleTimeout !== undefined) checkTimeout(options.idleTimeout);
  options.signal?.throwIfAborted();
  const lease = new Lease(options);
  let listener: Listener | undefined;
  try {
    listener = listen({ ...options, libos: lease.libos });
    options.onListen?.(listener.addr as never);
    return new Server<SocketAddress>(listener, lease, options, handler);
  } catch (error) {
    listener?.close();
    void lease.end();
    throw error;
  }
}

/**
 * Has a server that shuts down ask first whether a connection will end by itself: of that, the input is not ended.
 */
export let spare: (server: Server<never>, willEnd: (connection: Connection) => boolean) => void;

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
  readonly #handler: Handler<never>;
  readonly #signal: AbortSignal | undefined;
  readonly #onError: (error: unknown, connection: Connection<never>) => void;
  readonly #connections = new Map<Connection<A>, Promise<void>>();
  /** Connections that it closed under their handlers, of which these have nothing to tell. */
  readonly #dropped = new WeakSet<Connection>();
  readonly #unwatch: () => void;
  /** What is done to connections now that no more are accepted; null as long as they are. */
  #end: ((connection: Connection) => void) | null = null;
  #referenced = true;
  /** See {@linkcode spare}. */
  #willEnd: (connection: Connection) => boolean = () => false;
  /** What `onError` was told already, and of which connection. */
  readonly #told = new WeakMap<Error, Connection<A>>();

  /** Begins to serve on a listener, which it then owns. */
  constructor(
    listener: Listener<A>,
    lease: Lease,
    options: ServerOptions<never>,
    handler: Handler<never>,
  ) {
    this.addr = listener.addr;
    this.#libos = listener.libos;
    this.#listener = listener;
    this.#lease = lease;
    this.#handler = handler;
    this.#signal = options.signal;
    this.#onError = options.onError ?? report;
    this.#unwatch = options.idleTimeout === undefined
      ? () => {}
      : watchIdle(this.#libos, this.#connections, options.idleTimeout, this.#drop);
    this.finished = this.#run();
  }

  static {
    spare = (server, willEnd) => void (server.#willEnd = willEnd);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Stops gracefully: no more connections are accepted, and each open one sees the end of its stream once
   * what has arrived was popped, so that its handler ends after it has answered. Resolves as `finished`: a
   * handler that waits for something else is waited for; the deadline, the signal and {@linkcode Server.abort} end that.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkKind("shutdown", "options", options, "an object");
    const { deadline } = options;
    if (deadline !== undefined) checkTimeout(deadline);
    this.#stop((connection) => this.#endInput(connection));
    if (deadline !== undefined) {
      const timer = setTimeout(() => this.abort(), Math.min(deadline, LONGEST_TIMER));
      const clear = () => clearTimeout(timer);
      this.finished.then(clear, clear);
    }
    return this.finished;
  }

  /** Closes it, and all its connections, at once, as the signal does. Resolves as `finished`. */
  abort(): Promise<void> {
    this.#stop(this.#drop);
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
    const abort = () => this.#stop(this.#drop);
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
      this.#unwatch();
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

  async #serve(connection: Connection<A>): Promise<void> {
    claim(connection, (error) => this.#reportUnclaimed(error, connection));
    try {
      const result = this.#handler(connection as Connection<never>);
      await (isCoroutine(result) ? this.#libos.spawn(result) : result);
    } catch (error) {
      if (!this.#isClosing(error, connection)) this.#report(error, connection);
    } finally {
      connection[Symbol.dispose]();
    }
  }

  /** Whether an error only tells that the connection, or the libOS, was closed under its handler: who did it knows. */
  #isClosing(error: unknown, connection: Connection<A>): boolean {
    const { code } = (error ?? {}) as { code?: unknown };
    if (isClosed(this.#libos) && (code === "EBADF" || code === "ECANCELED" || code === "ENODEV")) {
      return true;
    }
    if (error instanceof Deno.errors.Interrupted) return !connection.open;
    return error instanceof Deno.errors.BadResource && this.#dropped.has(connection);
  }

  /** What failed while the handler did not wait for it, such as a push that was under way when it ended. */
  #reportUnclaimed(error: unknown, connection: Connection<A>): void {
    if (!isClosed(this.#libos) && !this.#dropped.has(connection)) this.#report(error, connection);
  }

  /** An error is told once, also if it was missed at first. What `onError` throws, or rejects with, harms nobody. */
  #report(error: unknown, connection: Connection<A>): void {
    if (error instanceof Error) {
      if (this.#told.get(error) === connection) return;
      this.#told.set(error, connection);
    }
    Promise.try(() => this.#onError(error, connection as Connection<never>)).catch(print);
  }

  #endInput(connection: Connection): void {
    if (!connection.open || isClosed(this.#libos) || this.#willEnd(connection)) return;
    if (this.#libos.capabilities.halfClose) this.#libos.shutdown(connection.qd, "read");
    else connection.close();
  }

  readonly #drop = (connection: Connection): void => {
    this.#dropped.add(connection);
    connection[Symbol.dispose]();
  };

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

/** Whether a handler gave a generator; an operation has a `next` too. */
export function isCoroutine(result: unknown): result is Coroutine<unknown> {
  const { next, then } = (result ?? {}) as Partial<Coroutine<unknown> & PromiseLike<unknown>>;
  return typeof next === "function" && typeof then !== "function";
}

/** Refuses what is no handler, as far as that can be seen. */
function checkHandler(handler: Handler<never>): void {
  checkKind("serve", "handler", handler, "a function");
  if (Object.prototype.toString.call(handler) !== "[object AsyncGeneratorFunction]") return;
  throw wrongKind("serve", "handler", handler, "an async function or a generator function");
}
