/**
 * Connecting under TLS.
 *
 * @module
 */

import { isIP } from "node:net";
import { connect as connectSecure } from "node:tls";
import { checkOptions } from "../check.ts";
import { connect, type ConnectOptions } from "../net/mod.ts";
import { handshake, TlsConnection } from "./connection.ts";
import { type Authorities, authorities, Contexts, type KeyPair } from "./credentials.ts";
import { HANDSHAKE_TIMEOUT } from "./serve.ts";

/** What to connect to, and how. */
export type ConnectTlsOptions = ConnectOptions & Partial<KeyPair> & {
  /** The name that the certificate of the server must be for; the hostname by default. */
  readonly servername?: string;
  /** The authorities that are trusted, in place of the usual ones. */
  readonly ca?: Authorities;
  /** Protocols to offer by ALPN, in order of preference. */
  readonly alpnProtocols?: readonly string[];
  /** Milliseconds until the handshake fails; 10 000 by default. */
  readonly handshakeTimeout?: number;
};

/**
 * Connects under TLS; `cert` and `key` show who this side is. Fails as `connect`, and with `Deno.errors.InvalidData`
 * if the server is not who it should be, `UnexpectedEof` if it ends the handshake, `TimedOut` if that takes too long.
 * The timeout and the signal are for connecting.
 *
 * In a coroutine: `yield* libos.operations.join(connectTls({ … }))`.
 *
 * @example Nobody speaks TLS there
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { open, serve } from "@demikernel/deno";
 * import { connectTls } from "@demikernel/deno/tls";
 *
 * await using libos = open("catnap");
 * await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, async (connection) => {
 *   await connection.push(new TextEncoder().encode("220 plain text\r\n"));
 *   (await connection.pop())?.free();
 * });
 * await assertRejects(
 *   () => connectTls({ libos, hostname: "localhost", port: server.addr.port }),
 *   Deno.errors.InvalidData,
 *   "ERR_SSL_WRONG_VERSION_NUMBER",
 * );
 * ```
 */
export async function connectTls(options: ConnectTlsOptions): Promise<TlsConnection> {
  checkOptions("connectTls", options, { servername: "a string", alpnProtocols: "an array" });
  const { ca, cert, key, alpnProtocols, handshakeTimeout = HANDSHAKE_TIMEOUT } = options;
  const { hostname = "127.0.0.1" } = options as { hostname?: string };
  const { servername = hostname } = options;
  const contexts = new Contexts("connectTls", ca);
  const own = cert === undefined && key === undefined
    ? authorities(ca)
    : { secureContext: contexts.of({ cert: cert!, key: key! }) };
  const connection = new TlsConnection(await connect(options), (socket) =>
    connectSecure({
      socket,
      host: servername,
      // A name is asked for, an address is not (RFC 6066, section 3).
      ...(!isIP(servername) && { servername }),
      ...own,
      ...(alpnProtocols && { ALPNProtocols: [...alpnProtocols] }),
    }));
  await handshake(connection, "client", handshakeTimeout);
  return connection;
}
