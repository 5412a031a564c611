/**
 * What people build on `node:http`, on a libOS: unchanged, and by its own clients.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import http from "node:http";
import { text } from "node:stream/consumers";
import express from "npm:express@5.3.0";
import { getRequestListener } from "npm:@hono/node-server@2.1.9";
import { Hono } from "npm:hono@4.13.19";
import { WebSocket as Client, WebSocketServer } from "npm:ws@8.23.0";
import { createConnection } from "../../libos/node/mod.ts";
import { type LibOS, open } from "../../mod.ts";
import { missingProgram, needing } from "../_needs.ts";
import { netTest } from "../net/_net.ts";
import { pause, within } from "../runtime/_assert.ts";
import { ask, Attached, event, makeAgent, say } from "./_node.ts";

// deno-lint-ignore no-explicit-any -- Express has no types of its own.
const makeExpress = express as any;

netTest("Express routes, parses and answers over a libOS", async (libos) => {
  const app = makeExpress();
  app.use(makeExpress.json());
  app.get("/users/:id", (request: Query, response: Reply) => {
    response.json({ id: request.params.id, q: request.query.q, ip: request.ip });
  });
  app.post("/sum", (request: Query, response: Reply) => {
    response.json(request.body.reduce((sum, one) => sum + one, 0));
  });
  app.get("/fails", () => Promise.reject(Object.assign(new Error("teapot"), { status: 418 })));
  app.use((error: Error & { status: number }, _: Query, response: Reply, _next: unknown) => {
    response.status(error.status).send(error.message);
  });
  await using server = new Attached(libos, http.createServer(app));
  const url = `http://127.0.0.1:${server.port}`;
  const json = { "content-type": "application/json", connection: "close" };
  const answers = [
    await (await fetch(`${url}/users/7?q=a`, { headers: json })).json(),
    await (await fetch(`${url}/sum`, { method: "POST", body: "[1,2,3]", headers: json })).json(),
    await (await fetch(`${url}/fails`, { headers: json })).text(),
    await (await fetch(`${url}/none`, { headers: json })).text().then((body) =>
      body.includes("Cannot GET /none")
    ),
  ];
  assertEquals(answers, [{ id: "7", q: "a", ip: "127.0.0.1" }, 6, "teapot", true]);
});

interface Query {
  params: Record<string, string>;
  query: Record<string, string>;
  ip: string;
  body: number[];
}

interface Reply {
  json(value: unknown): void;
  status(code: number): Reply;
  send(body: string): void;
}

netTest("Hono routes, streams and answers over a libOS", async (libos) => {
  const app = new Hono();
  app.get("/users/:id", (context) => context.json({ id: context.req.param("id") }));
  app.post("/length", async (context) => {
    return context.text(String((await context.req.arrayBuffer()).byteLength));
  });
  app.get("/stream", () => {
    const parts = ["a", "b", "c"];
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await pause(2);
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(part));
      },
    });
    return new Response(body);
  });
  await using server = new Attached(libos, http.createServer(getRequestListener(app.fetch)));
  const agent = makeAgent(libos);
  assertEquals(
    [
      await ask(agent, server.port, "/users/7"),
      await ask(agent, server.port, "/stream"),
      await ask(agent, server.port, "/none"),
    ],
    ['{"id":"7"}', "abc", "404 Not Found"],
  );
  const request = http.request({ port: server.port, path: "/length", method: "POST", agent });
  request.end("x".repeat(1_000_000));
  assertEquals(await text(await event<http.IncomingMessage>(request, "response")), "1000000");
  agent.destroy();
});

/** A server of ws that echoes; the test closes what it attached. */
function makeWebSocketServer(libos: LibOS): Attached<http.Server> {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket: Client) => {
    socket.on("message", (data: Uint8Array, binary: boolean) => socket.send(data, { binary }));
  });
  return new Attached(libos, server);
}

netTest("ws echoes to WebSocket clients of Deno under load", async (libos) => {
  await using server = makeWebSocketServer(libos);
  const echo = async (client: number) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/`);
    socket.binaryType = "arraybuffer";
    await new Promise((resolve) => socket.onopen = resolve);
    const received: (string | ArrayBuffer)[] = [];
    const all = new Promise<void>((resolve) => {
      socket.onmessage = ({ data }) => {
        received.push(data);
        if (received.length === 201) resolve();
      };
    });
    for (let i = 0; i < 200; i++) socket.send(`${client} ${i}`);
    const large = new Uint8Array(1_000_000).fill(client);
    socket.send(large);
    await within(all, 15);
    assertEquals(received.slice(0, 200), Array.from({ length: 200 }, (_, i) => `${client} ${i}`));
    assertEquals(new Uint8Array(received[200] as ArrayBuffer), large);
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    socket.close(1000, "enough");
    const { code, wasClean } = await closed;
    assertEquals([code, wasClean], [1000, true]);
  };
  await Promise.all(Array.from({ length: 16 }, (_, client) => echo(client)));
});

netTest("ws echoes to its own client, both over a libOS", async (libos) => {
  await using server = makeWebSocketServer(libos);
  const client = new Client(`ws://127.0.0.1:${server.port}/`, {
    createConnection: (options: object) => createConnection({ ...options, libos }),
    // deno-lint-ignore no-explicit-any -- Its types are those of net.Socket.
  } as any);
  await event(client, "open");
  client.send("ping");
  assertEquals(String(await event(client, "message")), "ping");
  client.close();
  await event(client, "close");
});

/** How long wrk asks, in seconds; `WRK_SECONDS=60` for a minute. */
const SECONDS = Number(Deno.env.get("WRK_SECONDS") ?? 3);

Deno.test({
  ...needing(missingProgram("wrk"), "wrk gets every answer from node:http over a libOS"),
  async fn() {
    await using libos = open("catnap");
    await using server = new Attached(
      libos,
      http.createServer((request, response) => response.end(`hello ${request.url}`)),
    );
    const url = `http://127.0.0.1:${server.port}/you`;
    const duration = `--duration=${SECONDS}s`;
    const { code, stdout } = await say("wrk", ["--connections=64", "--threads=1", duration, url]);
    assertEquals(code, 0);
    assertMatch(stdout, /^ {2}\d{3,} requests in /m);
    assert(!/Socket errors|Non-2xx/.test(stdout), stdout);
  },
});
