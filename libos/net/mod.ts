/**
 * The layer of coroutines: listening, connecting, datagrams, and serving.
 *
 * @module
 */

export { connect, type ConnectOptions } from "./connect.ts";
export { Connection, type PopOptions } from "./connection.ts";
export { Datagram, datagram, type DatagramOptions } from "./datagram.ts";
export type { Endpoint, InetEndpoint, LibOSOption, UnixEndpoint } from "./endpoint.ts";
export { listen, Listener, type ListenOptions } from "./listener.ts";
export { type Handler, serve, type ServeOptions, Server } from "./serve.ts";
