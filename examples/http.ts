/**
 * An HTTP server: a router and WebSockets from npm, unchanged, by `node:http` on any libOS; HTTPS with a certificate.
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
import { type WebSocket, WebSocketServer } from "npm:ws@8.23.0";
import { attach } from "../libos/node/mod.ts";
import { main } from "./_cli.ts";

const FILE = { name: "FILE", is: /./ };

const app = new Hono()
  .get("/", (context) => context.text("hello"))
  .get("/hello/:name", (context) => context.json({ hello: context.req.param("name") }))
  .post("/echo", (context) => new Response(context.req.raw.body));

/** A server of Node, for HTTPS if there is a certificate. */
function makeServer(cert: string, key: string): ReturnType<typeof createServer> {
  const listener = getRequestListener(app.fetch);
  if (cert === "none" && key === "none") return createServer(listener);
  if (cert === "none" || key === "none") {
    throw new Deno.errors.InvalidData("--cert and --key belong together");
  }
  const pair = { cert: Deno.readTextFileSync(cert), key: Deno.readTextFileSync(key) };
  return createSecureServer(pair, listener);
}

if (import.meta.main) {
  await main({
    about: "HTTP server",
    port: 8080,
    flags: {
      cert: { help: "its certificate, in PEM", values: ["none"], form: FILE },
      key: { help: "the key of that", values: ["none"], form: FILE },
    },
    start(libos, { hostname, port, own }, signal) {
      const server = makeServer(own.cert!, own.key!);
      const sockets = new WebSocketServer({ server });
      sockets.on("connection", (socket: WebSocket) => {
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
    },
  });
}
