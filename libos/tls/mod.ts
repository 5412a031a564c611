/**
 * TLS on any libOS, by `node:tls`: {@linkcode serveTls} and {@linkcode connectTls} give connections with the shape of
 * those without it.
 *
 * @module
 */

export { connectTls, type ConnectTlsOptions } from "./connect.ts";
export { TlsConnection } from "./connection.ts";
export type { Authorities, KeyPair, KeyPairOf } from "./credentials.ts";
export { serveTls, type ServeTlsOptions, type TlsHandler, type TlsServerOptions } from "./serve.ts";
