/**
 * Connections and requests as spans.
 *
 * @module
 */

import {
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "npm:@opentelemetry/api@1.9.0";
import type { Connection } from "../net/connection.ts";
import { type Handler, isCoroutine } from "../net/serve.ts";
import type { Coroutine, SocketAddress, Suspension } from "../pdpix.ts";
import { type Attributes, SCOPE } from "./metrics.ts";

/** How a span is made. */
export interface SpanOptions {
  /** Its name: what is common to many, such as the kind of a request, and never a key or a peer. */
  readonly name?: string;
  /** What else it tells. */
  readonly attributes?: Attributes;
}

/** What is traced on each connection, and what its requests are parts of. */
const contexts = new WeakMap<Connection, Context>();

/**
 * A handler that is a span for each connection, from when it is accepted until its handler ends, with the addresses of
 * both ends by the semantic conventions (`network.peer.address` …). What it throws is told by the span, and thrown on.
 *
 * @example An echo that is traced, each message as a request
 * ```ts
 * import { open, serve } from "@demikernel/deno";
 * import { request, traced } from "@demikernel/deno/telemetry";
 *
 * await using libos = open();
 * const loopback = { libos, hostname: "127.0.0.1", port: 0 } as const;
 * await using server = serve(loopback, traced(async (connection) => {
 *   for await (const sga of connection) {
 *     await request(connection, async () => await connection.push(sga), { name: "echo" });
 *   }
 * }));
 * ```
 */
export function traced(handler: Handler, options: SpanOptions = {}): Handler {
  return (connection) => {
    const { name = "connection", attributes } = options;
    const span = trace.getTracer(SCOPE).startSpan(name, {
      kind: SpanKind.INTERNAL,
      attributes: { ...attributesOf(connection), ...attributes },
    });
    const within = trace.setSpan(context.active(), span);
    contexts.set(connection, within);
    return run(span, within, () => handler(connection)) as ReturnType<Handler>;
  };
}

/**
 * Handles a request on a connection as a span, which is part of the connection's if that is {@linkcode traced}. `yield*`
 * it where the body is a generator function.
 */
export function request<T>(
  connection: Connection,
  body: () => Coroutine<T>,
  options?: SpanOptions,
): Coroutine<T>;
/** `await` it where the body is an async function. What that traces itself, `fetch` among it, is part of the span. */
export function request<T>(
  connection: Connection,
  body: () => PromiseLike<T>,
  options?: SpanOptions,
): Promise<T>;
export function request<T>(
  connection: Connection,
  body: () => Coroutine<T> | PromiseLike<T>,
  { name = "request", attributes = {} }: SpanOptions = {},
): Coroutine<T> | Promise<T> {
  const parent = contexts.get(connection) ?? context.active();
  const kind = SpanKind.SERVER;
  const span = trace.getTracer(SCOPE).startSpan(name, { kind, attributes }, parent);
  return run(span, trace.setSpan(parent, span), body) as Coroutine<T> | Promise<T>;
}

/** Runs a body within a span, which ends with it. */
function run<T>(
  span: Span,
  within: Context,
  body: () => T,
): T | Coroutine<unknown> | Promise<unknown> {
  try {
    const result = context.with(within, body);
    if (isCoroutine(result)) return drive(span, within, result);
    return settle(span, result as PromiseLike<unknown>);
  } catch (error) {
    fail(span, error);
    span.end();
    throw error;
  }
}

async function settle(span: Span, result: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await result;
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Each step of a generator is within the span, and nothing that runs in between. */
function* drive(
  span: Span,
  within: Context,
  coroutine: Coroutine<unknown>,
): Generator<Suspension, unknown, unknown> {
  const step = () => coroutine.next();
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = context.with(within, step);
      if (done) {
        isOver = true;
        return value;
      }
      yield value;
    }
  } catch (error) {
    isOver = true;
    fail(span, error);
    throw error;
  } finally {
    // It was closed while it waited, and so is what it waits for.
    if (!isOver) coroutine.return(undefined);
    span.end();
  }
}

function fail(span: Span, error: unknown): void {
  const { name, message, code } = Object(error) as Partial<Error> & { readonly code?: unknown };
  span.setAttribute("error.type", String(code ?? name ?? typeof error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: message ?? String(error) });
}

/** The ends of a connection, by the semantic conventions for networks. */
function attributesOf({ localAddr, remoteAddr }: Connection): Attributes {
  return { ...end("local", localAddr), ...end("peer", remoteAddr) };
}

function end(which: "local" | "peer", address: SocketAddress): Attributes {
  if ("path" in address) {
    return { "network.transport": "unix", [`network.${which}.address`]: address.path };
  }
  return {
    "network.transport": "tcp",
    "network.type": address.hostname.includes(":") ? "ipv6" : "ipv4",
    [`network.${which}.address`]: address.hostname,
    [`network.${which}.port`]: address.port,
  };
}
