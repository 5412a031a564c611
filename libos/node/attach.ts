/**
 * Servers of Node on a libOS.
 *
 * @module
 */

import type { Server } from "node:net";
import { nextTick } from "node:process";
import type { TLSSocket } from "node:tls";
import { DemikernelError } from "../error.ts";
import { isClosed } from "../net/lease.ts";
import {
  type Connection,
  type Endpoint,
  listen,
  type Listener,
  type ListenOptions,
} from "../net/mod.ts";
import type { SocketAddress } from "../pdpix.ts";
import { ConnectionDuplex } from "./duplex.ts";
import { couple } from "./couple.ts";

/**
 * What stands behind a server of Node. Node asks it for all that `listening`, `address()`, `close()`, `ref()` and
 * `unref()` say; and without it, its `http` closes each connection after the first answer.
 */
interface Handle {
  getsockname(out: object): 0;
  close(): void;
  ref(): void;
  unref(): void;
}

/** What servers of Node have beside what is declared of them. */
interface Internals {
  _handle: Handle | null;
  _connections: number;
  _pipeName?: string;
  _emitCloseIfDrained(): void;
}

/**
 * Has a server of Node listen on a libOS, in place of `server.listen()`: one of `node:http`, `node:https`, `node:http2`,
 * `node:tls` or `node:net`, with whatever is built on it. From then on it is as any server of Node: `address()`,
 * `close()`, `closeAllConnections()`, the events. Gives the server back. Throws as {@linkcode listen}, and
 * {@linkcode DemikernelError} `EALREADY` if it listens already.
 *
 * @example node:http
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { createServer } from "node:http";
 * import { open } from "@demikernel/deno";
 * import { attach } from "@demikernel/deno/node";
 *
 * await using libos = open("catnap");
 * const server = createServer((request, response) => response.end(`hello ${request.url}`));
 * attach(server, { libos, hostname: "127.0.0.1", port: 0 });
 * const { port } = server.address() as { port: number };
 * const response = await fetch(`http://127.0.0.1:${port}/you`, { headers: { connection: "close" } });
 * assertEquals(await response.text(), "hello /you");
 * await new Promise((resolve) => server.close(resolve));
 * ```
 */
export function attach<S extends Server>(server: S, options: ListenOptions<Endpoint>): S {
  if (server.listening) {
    throw new DemikernelError("EALREADY", "attach", { detail: "the server listens already" });
  }
  const listener = listen(options);
  server.prependListener("secureConnection", coupleBelow);
  server.once("close", () => server.off("secureConnection", coupleBelow));
  const internals = server as unknown as Internals;
  const handle = internals._handle = makeHandle(listener);
  void accept(server, internals, listener).then(() => {
    // Its libOS was closed, or accepting failed.
    if (internals._handle === handle) server.close();
  });
  nextTick(() => {
    if (server.listening) server.emit("listening");
  });
  return server;
}

/** What Node keeps of the stream that a socket of TLS is over. */
interface SecureInternals {
  readonly _handle?: { readonly _parentWrap?: { readonly stream?: unknown } } | null;
}

function coupleBelow(secure: TLSSocket): void {
  const below = (secure as SecureInternals)._handle?._parentWrap?.stream;
  if (below instanceof ConnectionDuplex) couple(secure, below);
}

function makeHandle(listener: Listener): Handle {
  return {
    getsockname(out) {
      Object.assign(out, nodeAddress(listener.addr));
      return 0;
    },
    close: () => listener[Symbol.dispose](),
    ref: () => listener.ref(),
    unref: () => listener.unref(),
  };
}

function nodeAddress(address: SocketAddress): object {
  if ("path" in address) return { address: address.path };
  const { hostname, port } = address;
  return { address: hostname, family: hostname.includes(":") ? "IPv6" : "IPv4", port };
}

/** Gives the server each connection, until it is closed, or its libOS. */
async function accept(server: Server, internals: Internals, listener: Listener): Promise<void> {
  const sockets = new Set<ConnectionDuplex>();
  try {
    for await (const connection of listener) {
      if (server.maxConnections > 0 && internals._connections >= server.maxConnections) {
        connection.close();
        server.emit("drop");
        continue;
      }
      const socket = take(server, internals, connection);
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      server.emit("connection", socket);
    }
  } catch (error) {
    server.emit("error", error);
  }
  // What does not read just now would not notice.
  if (isClosed(listener.libos)) { for (const socket of sockets) socket.destroy(); }
}

/** Makes a socket of a connection; the server counts it, since it is closed when the last of them is. */
function take(server: Server, internals: Internals, connection: Connection): ConnectionDuplex {
  const { allowHalfOpen, pauseOnConnect } = server as Server & {
    allowHalfOpen?: boolean;
    pauseOnConnect?: boolean;
  };
  const socket = new ConnectionDuplex(connection, { allowHalfOpen: allowHalfOpen === true });
  if (pauseOnConnect) socket.pause();
  internals._connections++;
  socket.once("close", () => {
    internals._connections--;
    internals._emitCloseIfDrained();
  });
  return socket;
}
