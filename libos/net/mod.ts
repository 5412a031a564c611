/**
 * The layer of coroutines: listening, connecting, datagrams, and serving.
 *
 * @module
 */

export { connect, type ConnectOptions } from "./connect.ts";
export { Connection } from "./connection.ts";
export { Datagram, datagram, type DatagramOptions } from "./datagram.ts";
export type { Endpoint, InetEndpoint, UnixEndpoint } from "./endpoint.ts";
export type { LibOSOption } from "./lease.ts";
export { listen, Listener, type ListenOptions } from "./listener.ts";
export { type Handler, serve, type ServeOptions, Server } from "./serve.ts";
export { type PopOptions, Socket } from "./socket.ts";
