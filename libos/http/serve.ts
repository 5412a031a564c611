/**
 * Serving HTTP, in two tiers.
 *
 * @module
 */

import { checkKind, wrongKind } from "../check.ts";
import type { InetEndpoint, UnixEndpoint } from "../net/mod.ts";
import type { Coroutine, InetAddress, UnixAddress } from "../pdpix.ts";
import type { Answer } from "./answer.ts";
import { type FetchHandler, fetchTier } from "./fetch.ts";
import type { HttpRequest } from "./request.ts";
import { type HttpOptions, HttpServer } from "./server.ts";

/**
 * A handler of the fast tier: a function that gives its answer at once, a generator function, or an async function. What it
 * throws is answered with 500, or with the status of an {@linkcode HttpError}.
 */
export type HttpHandler = (
  request: HttpRequest,
) => Answer | PromiseLike<Answer> | Coroutine<Answer>;

/** Which tier serves. */
export interface TierOption<T extends Tier> {
  /** `fast` calls the handler with a {@linkcode HttpRequest}, `fetch` with a `Request` of the web. */
  readonly tier: T;
}

/** The tiers that there are. */
export type Tier = "fast" | "fetch";

/**
 * Serves HTTP, or HTTPS where there is a certificate.
 *
 * The handler is one of `Deno.serve`: it is called with a `Request`, and gives a `Response`. So an app of Hono is
 * `serveHttp(options, app.fetch)`. With `tier: "fast"` it is called with a {@linkcode HttpRequest} and gives an
 * {@linkcode Answer}, and may be a generator.
 *
 * Throws as `serve`, and {@linkcode DemikernelError} `EINVAL` for limits and credentials that are none.
 *
 * @example Both tiers
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "@demikernel/deno";
 * import { serveHttp } from "@demikernel/deno/http";
 *
 * await using libos = open("catnap");
 * const loopback = { libos, hostname: "127.0.0.1", port: 0 } as const;
 * await using web = serveHttp(loopback, (request) => new Response(new URL(request.url).pathname));
 * await using fast = serveHttp({ ...loopback, tier: "fast" }, function* (request) {
 *   const name = yield* request.text();
 *   return { headers: { "x-path": request.path }, body: `hello ${name}` };
 * });
 *
 * for (const { addr } of [web, fast]) {
 *   const response = await fetch(`http://127.0.0.1:${addr.port}/a`, {
 *     method: "POST",
 *     body: "you",
 *     headers: { connection: "close" },
 *   });
 *   assertEquals(await response.text(), addr === web.addr ? "/a" : "hello you");
 * }
 * ```
 */
export function serveHttp(
  options: HttpOptions<InetEndpoint> & TierOption<"fast">,
  handler: HttpHandler,
): HttpServer<InetAddress>;
/** The fast tier on a Unix socket. */
export function serveHttp(
  options: HttpOptions<UnixEndpoint> & TierOption<"fast">,
  handler: HttpHandler,
): HttpServer<UnixAddress>;
/** The fetch tier. */
export function serveHttp(
  options: HttpOptions<InetEndpoint> & Partial<TierOption<"fetch">>,
  handler: FetchHandler<InetAddress>,
): HttpServer<InetAddress>;
/** The fetch tier on a Unix socket. */
export function serveHttp(
  options: HttpOptions<UnixEndpoint> & Partial<TierOption<"fetch">>,
  handler: FetchHandler<UnixAddress>,
): HttpServer<UnixAddress>;
export function serveHttp(
  options: (HttpOptions<InetEndpoint> | HttpOptions<UnixEndpoint>) & Partial<TierOption<Tier>>,
  handler: HttpHandler | FetchHandler<never>,
): HttpServer<never> {
  checkKind("serveHttp", "options", options, "an object");
  checkKind("serveHttp", "handler", handler, "a function");
  const { tier = "fetch", ...others } = options;
  if (tier !== "fast" && tier !== "fetch") {
    throw wrongKind("serveHttp", "tier", tier, "fast or fetch");
  }
  return new HttpServer(
    others as unknown as HttpOptions,
    tier === "fast" ? handler as HttpHandler : fetchTier(handler as FetchHandler<never>),
  );
}
