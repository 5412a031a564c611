/**
 * The server beneath both tiers.
 *
 * @module
 */

import { checkOptions } from "../check.ts";
import { LONGEST_TIMER } from "../net/idle.ts";
import { isClosed, Lease } from "../net/lease.ts";
import { Outbox } from "../net/outbox.ts";
import {
  type AddressOf,
  type Connection,
  type Endpoint,
  type ListenOptions,
  serve,
  type ServeOptions,
  type Server,
  type ShutdownOptions,
} from "../net/mod.ts";
import { spare } from "../net/serve.ts";
import type { Coroutine, SocketAddress } from "../pdpix.ts";
import { beneath } from "../tls/connection.ts";
import { serveTls, type TlsServerOptions } from "../tls/mod.ts";
import type { Answer } from "./answer.ts";
import type { Channel } from "./input.ts";
import { type HttpLimits, toLimits } from "./options.ts";
import type { HttpRequest } from "./request.ts";
import { type Answered, Session, STATE } from "./session.ts";

/** How to serve HTTP. */
export interface HttpServerOptions<A extends SocketAddress = SocketAddress>
  extends
    HttpLimits,
    Pick<
      TlsServerOptions<A>,
      "signal" | "onListen" | "cert" | "key" | "keyPair" | "clientCa" | "handshakeTimeout"
    > {
  /**
   * Called with what a handler threw; the client is answered with 500. By default it is printed with its stack. What goes
   * wrong on a connection outside of handlers is told here too, without a request.
   */
  readonly onError?: (error: unknown, request: HttpRequest | null) => void;
}

/** What to serve on, and how. */
export type HttpOptions<E extends Endpoint = Endpoint> =
  & ListenOptions<E>
  & HttpServerOptions<AddressOf<E>>;

/** How often connections are looked at in the time that they have. */
const LOOKS = 4;

/** A server of HTTP; {@linkcode serveHttp} makes it. */
export class HttpServer<A extends SocketAddress = SocketAddress> implements AsyncDisposable {
  /** Limits, those by default included. */
  readonly limits: Required<HttpLimits>;
  /** @internal */
  readonly outbox: Outbox;
  /** @internal */
  tick = 0;
  /** @internal */
  closing = false;
  /** Whether it speaks HTTPS. */
  readonly secure: boolean;
  /**
   * Gives the answer to a request; the tier decides which.
   *
   * @internal
   */
  readonly handle: (request: HttpRequest) => Answered;
  /** As {@linkcode Server.finished}. */
  readonly finished: Promise<void>;
  readonly #server: Server<A>;
  readonly #onError: HttpServerOptions["onError"];
  readonly #sessions = new Map<Connection, Session>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Milliseconds between two looks. */
  readonly #pause: number;

  /** Begins to serve. */
  constructor(options: HttpOptions, handle: (request: HttpRequest) => Answered) {
    this.limits = toLimits("serveHttp", options);
    checkOptions("serveHttp", options, { onError: "a function" });
    const lease = new Lease(options);
    this.handle = handle;
    this.#onError = options.onError;
    this.secure = options.cert !== undefined || options.key !== undefined ||
      options.keyPair !== undefined;
    const { onError: _, ...others } = options;
    const shared = {
      ...others,
      libos: lease.libos,
      idleTimeout: this.limits.idleTimeout,
      // Where nobody says what to do, connections are reported as elsewhere.
      ...(this.#onError && { onError: (error: unknown) => this.#onError!(error, null) }),
    };
    if (shared.idleTimeout === Infinity) delete (shared as Partial<typeof shared>).idleTimeout;
    try {
      this.#server = this.#listen(shared as never);
    } catch (error) {
      lease.letGo();
      throw error;
    }
    this.outbox = new Outbox(lease.libos);
    spare(
      this.#server as Server<never>,
      (connection) => this.#sessions.get(connection)?.idle === false,
    );
    const { headerTimeout, bodyTimeout } = this.limits;
    this.#pause = Math.min(
      Math.max(1, Math.min(headerTimeout, bodyTimeout) / LOOKS),
      LONGEST_TIMER,
    );
    this.#timer = setInterval(() => this.#look(), this.#pause);
    Deno.unrefTimer(this.#timer);
    this.finished = this.#server.finished.finally(() => {
      clearInterval(this.#timer);
      if (!isClosed(lease.libos)) this.outbox[Symbol.dispose]();
      return lease.end();
    });
  }

  /** Where it listens. */
  get addr(): A {
    return this.#server.addr;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#server.connections;
  }

  /**
   * Stops gracefully: no more connections and requests are accepted, those under way are answered, with
   * `connection: close`, and idle connections are closed. Resolves as `finished`.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.closing = true;
    void this.#server.shutdown(options);
    return this.finished;
  }

  /** Closes it, and all its connections, at once. Resolves as `finished`. */
  abort(): Promise<void> {
    this.closing = true;
    void this.#server.abort();
    return this.finished;
  }

  /** Keeps the process alive; the default. */
  ref(): void {
    this.#server.ref();
  }

  /** Lets the process end although the server listens. */
  unref(): void {
    this.#server.unref();
  }

  /** As {@linkcode HttpServer.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /**
   * Forgets a connection.
   *
   * @internal
   */
  left(session: Session): void {
    this.#sessions.delete(session.connection);
  }

  /**
   * Tells what a handler threw; gives what is answered instead.
   *
   * @internal
   */
  fail(error: unknown, request: HttpRequest): Answer {
    try {
      if (this.#onError) this.#onError(error, request);
      else console.error(error);
    } catch (worse) {
      console.error(worse);
    }
    return { status: 500, body: "Internal Server Error\n" };
  }

  #listen(options: ServeOptions & TlsServerOptions): Server<A> {
    const server = this.secure
      ? serveTls(
        { ...options, alpnProtocols: ["http/1.1", "http/1.0"] } as never,
        (connection) => this.#serve(connection as unknown as Channel, beneath(connection as never)),
      )
      : serve(options, (connection) => this.#serve(connection, connection));
    return server as unknown as Server<A>;
  }

  #serve(channel: Channel, connection: Connection): Coroutine | void {
    if (this.#sessions.size >= this.limits.maxConnections) return;
    const session = new Session(this, channel, connection);
    this.#sessions.set(connection, session);
    return session.run();
  }

  /** Ends those that take too long. To count looks is enough, as with idle connections. */
  #look(): void {
    this.tick++;
    const { headerTimeout, bodyTimeout } = this.limits;
    for (const session of this.#sessions.values()) {
      const { state } = session;
      if (state !== STATE.head && state !== STATE.body) continue;
      const timeout = state === STATE.head ? headerTimeout : bodyTimeout;
      if ((this.tick - session.since) * this.#pause >= timeout) session.expire();
    }
  }
}
