/**
 * WebSockets (RFC 6455), by ws.
 *
 * A module of its own, `@demikernel/deno/http/websocket`: who does not ask for it does not load ws, which reads two
 * variables of the environment, `WS_NO_BUFFER_UTIL` and `WS_NO_UTF_8_VALIDATE`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { WebSocket as NodeWebSocket, WebSocketServer } from "npm:ws@8.23.0";
import type { Connection } from "../net/mod.ts";
import { ConnectionDuplex } from "../node/mod.ts";
import { handOver, TlsConnection } from "../tls/connection.ts";
import type { Answer, Switching, Takeover } from "./answer.ts";
import { HttpError } from "./error.ts";
import { switchWith } from "./fetch.ts";
import { HttpRequest } from "./request.ts";
import { WebRequest } from "./web_request.ts";

/** How a WebSocket is spoken. */
export interface WebSocketOptions {
  /** The subprotocol that is agreed to; it must be one that the client offers. None by default. */
  readonly protocol?: string;
  /** The most bytes of a message; a longer one ends it with 1009. @default {1048576} */
  readonly maxPayload?: number;
  /** Whether messages are compressed where the client offers it (RFC 7692). @default {false} */
  readonly perMessageDeflate?: boolean;
}

/** A WebSocket to come, and the answer that brings it. */
export interface Upgraded<R> {
  /** It opens when the handler has given the answer. */
  readonly socket: WebSocket;
  /** What the handler must give. */
  readonly response: R;
}

const MAX_PAYLOAD = 1024 * 1024;

/**
 * Makes a WebSocket of a request of either tier, as `Deno.upgradeWebSocket` does. The socket is one of ws, which has what
 * a `WebSocket` of the web has.
 *
 * Throws {@linkcode HttpError} for a request that asks for none, which is the answer if the handler does not catch it: 426,
 * or 400 for one that asks wrongly.
 *
 * @example An echo
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { open } from "@demikernel/deno";
 * import { serveHttp } from "@demikernel/deno/http";
 * import { upgradeWebSocket } from "@demikernel/deno/http/websocket";
 *
 * await using libos = open("catnap");
 * await using server = serveHttp({ libos, hostname: "127.0.0.1", port: 0 }, (request) => {
 *   const { socket, response } = upgradeWebSocket(request);
 *   socket.onmessage = ({ data }) => socket.send(data);
 *   return response;
 * });
 * const client = new WebSocket(`ws://127.0.0.1:${server.addr.port}/`);
 * await new Promise((resolve) => client.onopen = resolve);
 * client.send("hello");
 * const { data } = await new Promise<MessageEvent>((resolve) => client.onmessage = resolve);
 * assertEquals(data, "hello");
 * client.close();
 * await new Promise((resolve) => client.onclose = resolve);
 * ```
 */
export function upgradeWebSocket(request: Request, options?: WebSocketOptions): Upgraded<Response>;
/** The same in the fast tier. */
export function upgradeWebSocket(
  request: HttpRequest,
  options?: WebSocketOptions,
): Upgraded<Answer>;
export function upgradeWebSocket(
  request: Request | HttpRequest,
  options: WebSocketOptions = {},
): Upgraded<Response | Answer> {
  if (request instanceof HttpRequest) return upgrade(request, options);
  const below = WebRequest.httpRequestOf(request);
  if (below === null) {
    throw new TypeError("Cannot upgrade: the request is none of serveHttp, or was answered");
  }
  const { socket, response } = upgrade(below, options);
  return { socket, response: switchWith(new Response(null), response) };
}

function upgrade(request: HttpRequest, options: WebSocketOptions): Upgraded<Switching> {
  if (request.header("upgrade")?.toLowerCase() !== "websocket") {
    throw new HttpError(426, "A WebSocket is spoken here");
  }
  // RFC 6455, section 4.2.1.
  const key = request.header("sec-websocket-key") ?? "";
  if (
    request.method !== "GET" || request.version !== 11 || !/^[+/0-9A-Za-z]{22}==$/.test(key) ||
    request.header("sec-websocket-version") !== "13"
  ) throw new HttpError(400, "The request for a WebSocket is wrong");
  const { protocol, maxPayload = MAX_PAYLOAD, perMessageDeflate = false } = options;
  const offered = request.header("sec-websocket-protocol")?.split(",").map((one) => one.trim());
  if (protocol !== undefined && !offered?.includes(protocol)) {
    throw new HttpError(400, "The subprotocol is not offered");
  }
  const socket = new NodeWebSocket(null, undefined, { autoPong: true, maxPayload });
  socket.binaryType = "blob";
  // What a client does wrong ends its socket, and nobody else: as on the web, nobody has to listen.
  socket.on("error", () => {});
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload,
    perMessageDeflate,
    handleProtocols: () => protocol ?? false,
    // The one that was given away already.
    WebSocket: function () {
      return socket;
    } as never,
  });
  const asked = {
    method: request.method,
    url: request.target,
    headers: Object.fromEntries(
      [...request.headers()].map(([name, value]) => [name.toLowerCase(), value]),
    ),
  };
  const takeover: Takeover = (channel, rest) =>
    new Promise((resolve) => {
      const duplex = channel instanceof TlsConnection
        ? handOver(channel) as Duplex
        : new ConnectionDuplex(channel as Connection);
      duplex.once("close", () => resolve());
      server.handleUpgrade(asked as never, duplex, Buffer.from(rest), () => {});
    });
  return { socket: socket as unknown as WebSocket, response: { takeover } };
}
