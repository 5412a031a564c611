/**
 * Serving under TLS.
 *
 * @module
 */

import { type SecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import { checkKind, checkOptions } from "../check.ts";
import { checkTimeout, DemikernelError } from "../error.ts";
import {
  type AddressOf,
  type Connection,
  type Endpoint,
  type InetEndpoint,
  type ListenOptions,
  serve,
  type ServeOptions,
  type Server,
  type ServerOptions,
  type UnixEndpoint,
} from "../net/mod.ts";
import { report } from "../net/report.ts";
import { isCoroutine } from "../net/serve.ts";
import type { Coroutine, InetAddress, Operation, SocketAddress, UnixAddress } from "../pdpix.ts";
import { claim, gone, handshake, hasSecured, TlsConnection } from "./connection.ts";
import { type Authorities, Contexts, type KeyPair, type KeyPairOf } from "./credentials.ts";

/** Milliseconds until a handshake fails, by default. */
export const HANDSHAKE_TIMEOUT = 10_000;

/** What serves one connection; as {@linkcode Handler}. */
export type TlsHandler<A extends SocketAddress = SocketAddress> = (
  connection: TlsConnection<A>,
) => Coroutine<unknown> | PromiseLike<unknown> | Operation<unknown> | void;

/** How to serve under TLS. */
export interface TlsServerOptions<A extends SocketAddress = SocketAddress>
  extends Omit<ServerOptions<A>, "onError">, Partial<KeyPair> {
  /** In place of `cert` and `key`: gives them for each connection, so that hosts have their own, and they can change. */
  readonly keyPair?: KeyPairOf;
  /** Protocols to agree to by ALPN, in order of preference. */
  readonly alpnProtocols?: readonly string[];
  /** Asks clients for a certificate, which one of these authorities has given; those without are refused. */
  readonly clientCa?: Authorities;
  /** Milliseconds until the handshake of a connection fails; 10 000 by default. */
  readonly handshakeTimeout?: number;
  /**
   * As that of `serve`; it is also called with what a handshake failed with. By default that is printed in one line,
   * unless the client only went away, or said nothing.
   */
  readonly onError?: (error: unknown, connection: TlsConnection<A>) => void;
}

/** What to serve on, and how. */
export type ServeTlsOptions<E extends Endpoint = Endpoint> =
  & ListenOptions<E>
  & TlsServerOptions<AddressOf<E>>;

/**
 * Serves under TLS, as `serve` does without: with the same handlers, on any libOS. A handler is called when the
 * handshake is over; `idleTimeout` looks at what crosses the network, whatever a handler does. Throws as `serve`, and
 * {@linkcode DemikernelError} `EINVAL` for credentials that are none.
 *
 * @example Certificates by name, which may change
 * ```ts ignore
 * const pairs = new Map([["example.org", await load("example.org")]]);
 * setInterval(async () => pairs.set("example.org", await load("example.org")), 3600_000);
 *
 * serveTls({ port: 443, keyPair: (name) => pairs.get(name ?? "") ?? fallback }, async (connection) => {
 *   for await (const sga of connection) await connection.push(sga);
 * });
 * ```
 */
export function serveTls(
  options: ServeTlsOptions<InetEndpoint>,
  handler: TlsHandler<InetAddress>,
): Server<InetAddress>;
/** Serves on a Unix socket. */
export function serveTls(
  options: ServeTlsOptions<UnixEndpoint>,
  handler: TlsHandler<UnixAddress>,
): Server<UnixAddress>;
/** Serves on either. */
export function serveTls(options: ServeTlsOptions, handler: TlsHandler): Server;
export function serveTls(
  options: ListenOptions & TlsServerOptions<never>,
  handler: TlsHandler<never>,
): Server {
  checkOptions("serveTls", options, { alpnProtocols: "an array", onError: "a function" });
  checkKind("serveTls", "handler", handler, "a function");
  const { onError, handshakeTimeout = HANDSHAKE_TIMEOUT, ...plain } = options;
  checkTimeout(handshakeTimeout);
  const socketOptions = toSocketOptions(options);
  const judge = options.clientCa === undefined ? "server" : "checking server";
  const secured = new WeakMap<Connection, TlsConnection<never>>();
  const told = onError && {
    onError: (error: unknown, below: Connection) => onError(error, secured.get(below)!),
  };
  return serve({ ...plain as ServeOptions, ...told }, async (below) => {
    const connection = new TlsConnection(
      below as Connection<never>,
      (duplex) => new TLSSocket(duplex, socketOptions),
    );
    secured.set(below, connection);
    claim(connection, (error) => onError ? onError(error, connection) : report(error, below));
    try {
      await handshake(connection, judge, handshakeTimeout);
      const result = handler(connection);
      await (isCoroutine(result) ? below.libos.spawn(result) : result);
    } catch (error) {
      if (onError !== undefined || hasSecured(connection)) throw error;
      reportHandshake(error);
    } finally {
      connection[Symbol.dispose]();
      await gone(connection);
    }
  });
}

function toSocketOptions(options: TlsServerOptions<never>): TLSSocketOptions {
  const { cert, key, keyPair, alpnProtocols, clientCa } = options;
  const contexts = new Contexts("serveTls", clientCa);
  return {
    isServer: true,
    requestCert: clientCa !== undefined,
    rejectUnauthorized: clientCa !== undefined,
    ...(alpnProtocols && { ALPNProtocols: [...alpnProtocols] }),
    ...(keyPair === undefined
      ? { secureContext: contexts.of({ cert: cert!, key: key! }) }
      : { SNICallback: chooseBy(keyPair, contexts) }),
  };
}

/** The callback of Node that chooses a certificate. */
function chooseBy(keyPair: KeyPairOf, contexts: Contexts): TLSSocketOptions["SNICallback"] {
  if (typeof keyPair !== "function") {
    // Which is not shown: somebody may have given the pair itself.
    throw new DemikernelError("EINVAL", "serveTls", { detail: "keyPair must be a function" });
  }
  return (servername, callback) => {
    let context: SecureContext;
    try {
      context = contexts.of(keyPair(servername || null));
    } catch (error) {
      return callback(error as Error);
    }
    callback(null, context);
  };
}

/** What only tells that a client went away, said nothing, or that the server was closed. */
const SILENT = [
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
  Deno.errors.TimedOut,
  Deno.errors.UnexpectedEof,
];

/** Prints what a handshake failed with. */
function reportHandshake(error: unknown): void {
  if (!SILENT.some((one) => error instanceof one)) console.error(String(error));
}
