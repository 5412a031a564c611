/**
 * An HTTP server on any libOS, in three ways: both tiers of `libos/http`, and `node:http`; HTTPS with a certificate. A router
 * and WebSockets come from npm, unchanged.
 *
 * ```sh
 * deno run --allow-ffi --allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE examples/http.ts --port 8080
 * curl http://127.0.0.1:8080/hello/you
 * ```
 *
 * @module
 */

import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "npm:@hono/node-server@2.1.9";
import { Hono } from "npm:hono@4.13.19";
import { type WebSocket as NodeWebSocket, WebSocketServer } from "npm:ws@8.23.0";
import { type Answer, type HttpRequest, serveHttp } from "../libos/http/mod.ts";
import { upgradeWebSocket } from "../libos/http/websocket.ts";
import { attach } from "../libos/node/mod.ts";
import type { LibOS, Sga } from "../mod.ts";
import { type Flags, main, type Running } from "./_cli.ts";

const FILE = { name: "FILE", is: /./ };

/** A certificate and its key, or neither. */
type Pair = { readonly cert: string; readonly key: string } | Record<never, never>;

/** So many numbers has the stream, each a line. */
const LINES = 1000;

async function* lines(): AsyncGenerator<string> {
  for (let i = 0; i < LINES; i++) {
    yield `${i}\n`;
    await Promise.resolve();
  }
}

const app = new Hono()
  .get("/", (context) => context.text("hello"))
  .get("/hello/:name", (context) => context.json({ hello: context.req.param("name") }))
  .get("/stream", () => {
    const text = ReadableStream.from(lines()).pipeThrough(new TextEncoderStream());
    return new Response(text, { headers: { "content-type": "text/plain" } });
  })
  .post("/echo", (context) => new Response(context.req.raw.body));

/** What Hono does there, by hand. */
function answer(request: HttpRequest): Answer {
  const { method, path } = request;
  if (method === "POST") {
    return path === "/echo" ? { body: parts(request) } : { status: 404, body: "404 Not Found" };
  }
  if (path === "/") return "hello";
  if (path === "/stream") return { headers: { "content-type": "text/plain" }, body: lines() };
  const [, name] = /^\/hello\/([^/]+)$/.exec(path) ?? [];
  if (name === undefined) return { status: 404, body: "404 Not Found" };
  return {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ hello: decodeURIComponent(name) }),
  };
}

/** A body, part by part, which are sent on as they are. */
async function* parts(request: HttpRequest): AsyncGenerator<Sga> {
  for (let sga; (sga = await request.pop()) !== null;) yield sga;
}

/** Echoes what a WebSocket says, and knows of it until it is closed. */
function echo(socket: WebSocket, sockets: Set<WebSocket>): void {
  sockets.add(socket);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => socket.send(data));
  socket.addEventListener("close", () => sockets.delete(socket));
}

/** One of our tiers. */
function serveTier(
  tier: string,
  { hostname, port }: Flags,
  pair: Pair,
  libos: LibOS,
  signal: AbortSignal,
): Running {
  const sockets = new Set<WebSocket>();
  const options = { libos, hostname, port, signal, ...pair };
  const server = tier === "fast"
    ? serveHttp({ ...options, tier }, (request) => {
      if (request.header("upgrade") === null) return answer(request);
      const { socket, response } = upgradeWebSocket(request);
      echo(socket, sockets);
      return response;
    })
    : serveHttp(options, (request) => {
      if (!request.headers.has("upgrade")) return app.fetch(request);
      const { socket, response } = upgradeWebSocket(request);
      echo(socket, sockets);
      return response;
    });
  return {
    addr: server.addr,
    shutdown() {
      for (const socket of sockets) socket.close(1001);
      return server.shutdown();
    },
  };
}

/** A server of Node. */
function serveNode(
  { hostname, port }: Flags,
  pair: Pair,
  libos: LibOS,
  signal: AbortSignal,
): Running {
  const listener = getRequestListener(app.fetch);
  const server = "cert" in pair ? createSecureServer(pair, listener) : createServer(listener);
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket: NodeWebSocket) => {
    socket.on("message", (data: Uint8Array, binary: boolean) => socket.send(data, { binary }));
  });
  attach(server, { libos, hostname, port });
  signal.addEventListener("abort", () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
  });
  const { address, port: bound } = server.address() as AddressInfo;
  return {
    addr: { hostname: address, port: bound },
    shutdown() {
      for (const socket of sockets.clients) socket.close(1001);
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function readPair(cert: string, key: string): Pair {
  if (cert === "none" && key === "none") return {};
  if (cert === "none" || key === "none") {
    throw new Deno.errors.InvalidData("--cert and --key belong together");
  }
  return { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) };
}

if (import.meta.main) {
  await main({
    about: "HTTP server",
    port: 8080,
    flags: {
      tier: { help: "who serves", values: ["fetch", "fast", "node"] },
      cert: { help: "its certificate, in PEM", values: ["none"], form: FILE },
      key: { help: "the key of that", values: ["none"], form: FILE },
    },
    start(libos, flags, signal) {
      const { tier, cert, key } = flags.own;
      const pair = readPair(cert!, key!);
      if (tier === "node") return serveNode(flags, pair, libos, signal);
      return serveTier(tier!, flags, pair, libos, signal);
    },
  });
}
