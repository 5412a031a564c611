/**
 * A client over a pool of connections.
 *
 * @module
 */

import { checkKind, checkOptions } from "../check.ts";
import { checkTimeout, DemikernelError } from "../error.ts";
import { connect } from "../net/mod.ts";
import { Lease, type LibOSOption } from "../net/lease.ts";
import type { ResolverOption } from "../net/names.ts";
import { toDenoError } from "../net/errors.ts";
import type { Coroutine, Operation, OperationOptions, Sga } from "../pdpix.ts";
import { type Authorities, connectTls } from "../tls/mod.ts";
import { type FieldsInit, isSga, type RequestHead, requestHead } from "./answer.ts";
import type { Channel } from "./input.ts";
import { checkCount, LIMITS } from "./options.ts";
import { HttpResponse } from "./response.ts";
import type { Bounds } from "./stream.ts";
import { isDeparture, type RequestBody, Wire } from "./wire.ts";

/** How a client behaves. */
export interface HttpClientOptions extends LibOSOption, ResolverOption {
  /** The most connections to one server; more requests wait for one of them. @default {64} */
  readonly maxConnections?: number;
  /** Milliseconds after which a connection that nobody needs is closed. @default {4000} */
  readonly idleTimeout?: number;
  /** The most bytes of a head. @default {16384} */
  readonly maxHeaderSize?: number;
  /** The most bytes of a body. Any number by default. */
  readonly maxBodySize?: number;
  /** The authorities that are trusted with HTTPS, in place of the usual ones. */
  readonly ca?: Authorities;
}

/** A request that is to be made. */
export interface RequestOptions extends OperationOptions {
  /** Its fields; `host` and those of framing are added. */
  readonly headers?: FieldsInit;
  /** Its body. A stream is sent in chunks, unless a `content-length` is given. */
  readonly body?: RequestBody;
}

/** One server, and the connections to it. */
interface Pool {
  readonly origin: URL;
  readonly idle: Wire[];
  readonly waiting: PromiseWithResolvers<Wire | null>[];
  open: number;
}

/** What may be asked again where it is not known whether it was heard (RFC 9110, section 9.2.2). */
const IDEMPOTENT = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];

/**
 * A client for HTTP and HTTPS. It keeps connections, and makes as many as are needed at once. `await` what it gives, or
 * `yield*` it in a coroutine. It follows no redirects and keeps no cookies.
 *
 * Fails as `connect` and `connectTls`; with {@linkcode HttpError} 502 for an answer that is no HTTP, `UnexpectedEof` for one
 * that ends too early, `TimedOut` after `timeout`, which is for the head of the answer. A request that may be repeated is,
 * once, where a connection was closed as it was sent.
 *
 * @example Servers call servers
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "@demikernel/deno";
 * import { HttpClient, serveHttp } from "@demikernel/deno/http";
 *
 * await using libos = open("catnap");
 * const loopback = { libos, hostname: "127.0.0.1", port: 0, tier: "fast" } as const;
 * await using back = serveHttp(loopback, (request) => `hello ${request.query}`);
 * using client = new HttpClient({ libos });
 * await using front = serveHttp(loopback, function* (request) {
 *   const response = yield* client.get(`http://127.0.0.1:${back.addr.port}/?${request.query}`);
 *   return yield* response.text();
 * });
 *
 * const response = await client.get(`http://127.0.0.1:${front.addr.port}/?you`);
 * assertEquals(await response.text(), "hello you");
 * ```
 */
export class HttpClient implements Disposable {
  readonly #options: HttpClientOptions;
  readonly #lease: Lease;
  readonly #limits: { maxHeaderSize: number; maxHeaders: number; maxBodySize: number };
  readonly #pools = new Map<string, Pool>();
  readonly #maxConnections: number;
  readonly #idleTimeout: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #open = true;

  /** Makes one, which connects when it is asked for something. */
  constructor(options: HttpClientOptions = {}) {
    checkOptions("make a client", options, {});
    const { maxConnections = 64, idleTimeout = 4000, maxHeaderSize, maxBodySize } = options;
    for (const [name, value] of Object.entries({ maxConnections, maxHeaderSize, maxBodySize })) {
      if (value !== undefined) checkCount("make a client", name, value);
    }
    this.#idleTimeout = checkTimeout(idleTimeout);
    this.#maxConnections = maxConnections;
    this.#options = options;
    this.#limits = {
      maxHeaderSize: maxHeaderSize ?? LIMITS.maxHeaderSize,
      maxHeaders: LIMITS.maxHeaders,
      maxBodySize: maxBodySize ?? Infinity,
    };
    this.#lease = new Lease(options);
  }

  /** Asks for a resource. */
  get(url: string | URL, options?: RequestOptions): Operation<HttpResponse> {
    return this.request("GET", url, options);
  }

  /** Asks for the head of the answer only. */
  head(url: string | URL, options?: RequestOptions): Operation<HttpResponse> {
    return this.request("HEAD", url, options);
  }

  /** Sends something to be processed. */
  post(url: string | URL, options?: RequestOptions): Operation<HttpResponse> {
    return this.request("POST", url, options);
  }

  /** Sends what a resource is to be. */
  put(url: string | URL, options?: RequestOptions): Operation<HttpResponse> {
    return this.request("PUT", url, options);
  }

  /** Removes a resource. */
  delete(url: string | URL, options?: RequestOptions): Operation<HttpResponse> {
    return this.request("DELETE", url, options);
  }

  /** Makes a request with any method. Throws `EINVAL` for what can be none. */
  request(
    method: string,
    url: string | URL,
    options: RequestOptions = {},
  ): Operation<HttpResponse> {
    checkKind("request", "options", options, "an object");
    if (!this.#open) throw new Deno.errors.BadResource("Cannot request: the client was closed");
    const target = typeof url === "string" ? new URL(url) : url;
    if (target.protocol !== "http:" && target.protocol !== "https:") {
      throw invalid(`the URL must be of http or https, not ${target.protocol}`);
    }
    const head = requestHead(method, target, options.headers, options.body ?? null);
    const bounds = makeBounds(options);
    const state: { wire: Wire | null; lost: boolean } = { wire: null, lost: false };
    const exchange = this.#exchange(target, method, head, options.body ?? null, bounds, state);
    const { libos } = this.#lease;
    return libos.operations.join(libos.spawn(exchange), {
      // Whoever asked does not wait any more.
      lost: () => {
        state.lost = true;
        state.wire?.close();
      },
    });
  }

  /** Closes what is idle; what is under way goes on to its end. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer);
    for (const pool of this.#pools.values()) {
      for (const wire of pool.idle.splice(0)) this.#drop(pool, wire);
    }
    this.#lease.letGo();
  }

  *#exchange(
    url: URL,
    method: string,
    head: RequestHead,
    body: RequestBody | null,
    bounds: Bounds,
    state: { wire: Wire | null; lost: boolean },
  ): Coroutine<HttpResponse> {
    const pool = this.#poolOf(url);
    const repeatable = IDEMPOTENT.includes(method) &&
      (body === null || typeof body === "string" || body instanceof Uint8Array);
    for (let first = true;; first = false) {
      let wire: Wire;
      try {
        wire = state.wire = yield* this.#take(pool, first, bounds);
      } catch (error) {
        if (body !== null && isSga(body as object)) (body as Sga).free();
        throw toDenoError(error);
      }
      try {
        yield* wire.ask(head, body, method === "HEAD", bounds);
      } catch (thrown) {
        const error = toDenoError(thrown);
        const stale = wire.used && !wire.parser.begun && isDeparture(error);
        this.#drop(pool, wire);
        if (first && stale && repeatable && !state.lost) continue;
        throw error;
      }
      return new HttpResponse(wire, (over) => this.#release(pool, over));
    }
  }

  /** A connection that is free, or a new one, or the next one that will be free. */
  *#take(pool: Pool, mayBeUsed: boolean, bounds: Bounds): Coroutine<Wire> {
    if (mayBeUsed) {
      const idle = pool.idle.pop();
      if (idle !== undefined) return idle;
      if (pool.open >= this.#maxConnections) {
        const turn = Promise.withResolvers<Wire | null>();
        pool.waiting.push(turn);
        const { operations } = this.#lease.libos;
        const wait = operations.join(turn.promise);
        const limits = bounds();
        try {
          const given = yield* (limits === undefined ? wait : wait.within(limits));
          if (given !== null) return given;
        } catch (error) {
          const index = pool.waiting.indexOf(turn);
          if (index >= 0) pool.waiting.splice(index, 1);
          else void turn.promise.then((given) => given && this.#release(pool, given));
          throw error;
        }
      }
    }
    pool.open++;
    try {
      return new Wire(yield* this.#connect(pool.origin, bounds), this.#limits);
    } catch (error) {
      this.#left(pool);
      throw error;
    }
  }

  *#connect(origin: URL, bounds: Bounds): Coroutine<Channel> {
    const { libos } = this.#lease;
    const { resolver, ca } = this.#options;
    const secure = origin.protocol === "https:";
    const options = {
      libos,
      hostname: origin.hostname.replace(/^\[|\]$/g, ""),
      port: Number(origin.port || (secure ? 443 : 80)),
      ...(resolver && { resolver }),
      ...bounds(),
    };
    if (!secure) return yield* connect(options);
    const connection = connectTls({ ...options, alpnProtocols: ["http/1.1"], ...(ca && { ca }) });
    return (yield* libos.operations.join(connection)) as unknown as Channel;
  }

  #poolOf(url: URL): Pool {
    let pool = this.#pools.get(url.origin);
    if (pool === undefined) {
      pool = { origin: new URL(url.origin), idle: [], waiting: [], open: 0 };
      this.#pools.set(url.origin, pool);
    }
    return pool;
  }

  /** An answer is over. */
  #release(pool: Pool, wire: Wire): void {
    if (!this.#open || !wire.reusable) return this.#drop(pool, wire);
    if (wire.sending !== null) {
      // The server may take the rest soon, or not at all.
      const late = setTimeout(() => wire.close(), this.#idleTimeout);
      Deno.unrefTimer(late);
      void wire.sending.then(() => {
        clearTimeout(late);
        this.#release(pool, wire);
      });
      return;
    }
    wire.next();
    const next = pool.waiting.shift();
    if (next !== undefined) return next.resolve(wire);
    wire.since = performance.now();
    pool.idle.push(wire);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), this.#idleTimeout / 2);
    Deno.unrefTimer(this.#timer);
  }

  #drop(pool: Pool, wire: Wire): void {
    wire.close();
    this.#left(pool);
  }

  /** There is one connection less: who waits may make another. */
  #left(pool: Pool): void {
    pool.open--;
    pool.waiting.shift()?.resolve(null);
  }

  /** Closes those that nobody has needed for long. */
  #look(): void {
    const now = performance.now();
    let left = 0;
    for (const [origin, pool] of this.#pools) {
      while (pool.idle.length > 0 && now - pool.idle[0]!.since >= this.#idleTimeout) {
        this.#drop(pool, pool.idle.shift()!);
      }
      left += pool.idle.length;
      if (pool.open === 0) this.#pools.delete(origin);
    }
    if (left > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** What is left of the time that a request has. */
function makeBounds({ timeout, signal }: RequestOptions): Bounds {
  if (signal !== undefined) checkKind("request", "signal", signal, "an AbortSignal");
  if (timeout === undefined && signal === undefined) return () => undefined;
  const deadline = timeout === undefined ? Infinity : performance.now() + checkTimeout(timeout);
  return () => ({
    ...(deadline < Infinity && { timeout: Math.max(0, deadline - performance.now()) }),
    ...(signal && { signal }),
  });
}

function invalid(detail: string): DemikernelError {
  return new DemikernelError("EINVAL", "request", { detail });
}
