/**
 * The layer of coroutines: listening, connecting, datagrams, and serving.
 *
 * @module
 */

export { connect, type ConnectOptions } from "./connect.ts";
export { Connection } from "./connection.ts";
export { Datagram, datagram, type DatagramOptions } from "./datagram.ts";
export { type DenoAddr, DenoConn, DenoListener } from "./deno_conn.ts";
export type { AddressOf, Endpoint, InetEndpoint, UnixEndpoint } from "./endpoint.ts";
export type { ByteSource } from "./input.ts";
export type { LibOSOption } from "./lease.ts";
export {
  type Family,
  resolve,
  type ResolveOptions,
  type Resolver,
  type ResolverOption,
} from "./names.ts";
export { listen, Listener, type ListenOptions } from "./listener.ts";
export type { MessageCodec, MessageHeader, MessageHeaderKind } from "./message_header.ts";
export { type ByteStream, Messages, type MessagesOptions } from "./messages.ts";
export { Reader, type ReaderOptions } from "./reader.ts";
export {
  type Handler,
  serve,
  type ServeOptions,
  Server,
  type ServerOptions,
  type ShutdownOptions,
} from "./serve.ts";
export { type PopOptions, Socket } from "./socket.ts";
