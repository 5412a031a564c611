/**
 * Connecting in the manner of Node.
 *
 * @module
 */

import { connect } from "../net/mod.ts";
import type { LibOSOption } from "../net/lease.ts";
import { ConnectionDuplex, type DuplexOptions } from "./duplex.ts";

/** What to connect to, in the words of `net.createConnection`, and on which libOS. Options beside these are ignored. */
export interface CreateConnectionOptions extends LibOSOption, DuplexOptions {
  /** The host; 127.0.0.1 by default. */
  readonly host?: string | null | undefined;
  /** The port. */
  readonly port?: number | string | null | undefined;
  /** A Unix socket, in place of host and port. */
  readonly path?: string | null | undefined;
  /** As {@linkcode ConnectionDuplex.setNoDelay}. */
  readonly noDelay?: boolean | undefined;
  /** As {@linkcode ConnectionDuplex.setKeepAlive}. */
  readonly keepAlive?: boolean | undefined;
  /** The milliseconds of {@linkcode ConnectionDuplex.setKeepAlive}. */
  readonly keepAliveInitialDelay?: number | undefined;
  /** As {@linkcode ConnectionDuplex.setTimeout}. */
  readonly timeout?: number | undefined;
}

/**
 * Connects, as `net.createConnection` does, and gives the socket at once; it emits `connect` or `error`. It is what
 * agents, and libraries that can be given a stream, ask for. Throws as `connect` for what can be no address.
 *
 * @example An agent of node:http
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Agent, createServer, get, type IncomingMessage } from "node:http";
 * import { text } from "node:stream/consumers";
 * import { open } from "@demikernel/deno";
 * import { attach, createConnection } from "@demikernel/deno/node";
 *
 * await using libos = open("catnap");
 * const server = attach(
 *   createServer((_, response) => response.end("hello")),
 *   { libos, hostname: "127.0.0.1", port: 0 },
 * );
 * const agent = new Agent();
 * Object.assign(agent, { createConnection: (o: object) => createConnection({ ...o, libos }) });
 * const { port } = server.address() as { port: number };
 * const response = await new Promise<IncomingMessage>((resolve) => {
 *   get({ port, agent }, resolve);
 * });
 * assertEquals(await text(response), "hello");
 * await new Promise((resolve) => server.close(resolve));
 * ```
 */
export function createConnection(
  options: CreateConnectionOptions,
  onConnect?: () => void,
): ConnectionDuplex {
  const { libos, host, port, path } = options;
  const hostname = host ?? "127.0.0.1";
  const address = path == null ? { hostname, port: Number(port) } : { path };
  const socket = new ConnectionDuplex({
    address,
    connect: (signal) => connect({ ...address, ...(libos !== undefined && { libos }), signal }),
  }, options);
  if (onConnect !== undefined) socket.once("connect", onConnect);
  if (options.noDelay) socket.setNoDelay();
  if (options.keepAlive) socket.setKeepAlive(true, options.keepAliveInitialDelay);
  if (options.timeout !== undefined) socket.setTimeout(options.timeout);
  return socket;
}
