/**
 * Node's streams, servers and clients on any libOS.
 *
 * {@linkcode attach} has a server of Node listen on a libOS, {@linkcode createConnection} connects, and
 * {@linkcode ConnectionDuplex} makes a stream of a connection: what is written for `node:http`, `node:https`,
 * `node:http2`, `node:tls` or `node:net` works upon them.
 *
 * @module
 */

export { attach } from "./attach.ts";
export { createConnection, type CreateConnectionOptions } from "./create_connection.ts";
export {
  type Connecting,
  ConnectionDuplex,
  type DuplexOptions,
  type NodeAddress,
} from "./duplex.ts";
export { couple } from "./couple.ts";
export type { NodeError, Syscall } from "./errors.ts";
