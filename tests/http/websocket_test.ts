/**
 * WebSockets in both tiers, with ws and Deno at the other end.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { WebSocket as NodeWebSocket } from "npm:ws@8.23.0";
import { serveHttp } from "../../libos/http/mod.ts";
import { upgradeWebSocket, type WebSocketOptions } from "../../libos/http/websocket.ts";
import type { LibOS } from "../../mod.ts";
import { createConnection } from "../../libos/node/mod.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";
import { event } from "../node/_node.ts";
import { answers, Peer, TIERS } from "./_http.ts";

/** An echo in a tier; what it saw of the ends of its sockets. */
function echo(libos: LibOS, tier: (typeof TIERS)[number], options: WebSocketOptions = {}) {
  const ends: number[] = [];
  const begin = (socket: WebSocket) => {
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
    socket.onclose = ({ code }) => ends.push(code);
  };
  const server = tier === "fast"
    ? serveHttp({ libos, ...LOOPBACK, tier }, (request) => {
      const { socket, response } = upgradeWebSocket(request, options);
      begin(socket);
      return response;
    })
    : serveHttp({ libos, ...LOOPBACK, tier }, (request) => {
      const { socket, response } = upgradeWebSocket(request, options);
      begin(socket);
      return response;
    });
  return {
    ends,
    server,
    port: server.addr.port,
    url: `ws://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A client of ws, over the libOS. */
function wsOver(libos: LibOS, port: number, options: object = {}): NodeWebSocket {
  return new NodeWebSocket(`ws://127.0.0.1:${port}/`, {
    ...options,
    createConnection: () => createConnection({ libos, port }),
  } as never);
}

for (const tier of TIERS) {
  netTest(`messages of all lengths come back, in the ${tier} tier`, async (libos) => {
    await using at = echo(libos, tier);
    for (const perMessageDeflate of [false, true]) {
      const socket = wsOver(libos, at.port, { perMessageDeflate });
      await event(socket, "open");
      for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 300_000]) {
        for (const binary of [false, true]) {
          const sent = "x".repeat(length);
          const back = new Promise<[Uint8Array, boolean]>((resolve) =>
            socket.once(
              "message",
              (data: Uint8Array, isBinary: boolean) => resolve([data, isBinary]),
            )
          );
          socket.send(binary ? new TextEncoder().encode(sent) : sent);
          const [data, isBinary] = await back;
          assertEquals([new TextDecoder().decode(data) === sent, isBinary], [true, binary]);
        }
      }
      const pong = event(socket, "pong");
      socket.ping("are you there?");
      assertEquals(`${await pong}`, "are you there?");
      socket.close(4001, "enough");
      await event(socket, "close");
    }
    while (at.ends.length < 2) await libos.operations.sleep(1);
    assertEquals(at.ends, [4001, 4001]);
  });

  netTest(`many messages at once come back in order, in the ${tier} tier`, async (libos) => {
    await using at = echo(libos, tier);
    const socket = new WebSocket(at.url);
    await new Promise((resolve) => socket.onopen = resolve);
    const got: string[] = [];
    const all = new Promise<void>((resolve) =>
      socket.onmessage = ({ data }) => got.push(data) === 5000 && resolve()
    );
    const sent = Array.from({ length: 5000 }, (_, i) => `${i} ${"y".repeat(i % 300)}`);
    for (const one of sent) socket.send(one);
    await all;
    assertEquals(got, sent);
    socket.close();
    await new Promise((resolve) => socket.onclose = resolve);
  });

  netTest(`what asks wrongly for a WebSocket is told so, in the ${tier} tier`, async (libos) => {
    await using at = echo(libos, tier, { protocol: "b" });
    const right = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      "Sec-WebSocket-Protocol: a, b\r\n";
    const ask = async (fields: string, line = "GET / HTTP/1.1") =>
      (await answers(at.port, `${line}\r\n${fields}\r\n`))[0]!.status;
    assertEquals(await ask("Host: a\r\n"), 426);
    assertEquals(await ask(right.replace("websocket", "h2c")), 426);
    assertEquals(await ask(right.replace("13", "8")), 400);
    assertEquals(await ask(right.replace("dGhl", "")), 400);
    assertEquals(await ask(right.replace(", b", "")), 400);
    assertEquals(await ask(right, "HEAD / HTTP/1.1"), 400);
    using peer = await Peer.to(at.port);
    // RFC 6455, section 1.3. A frame that comes with the request is not lost.
    const request = new TextEncoder().encode(`GET / HTTP/1.1\r\n${right}\r\n`);
    await peer.say(new Uint8Array([...request, 0x81, 0x81, 0, 0, 0, 0, 0x61]));
    const heard = await peer.hear(/\r\n\r\n..a/s);
    assertMatch(heard, /^HTTP\/1.1 101 /);
    assertMatch(heard, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
    assertMatch(heard, /sec-websocket-protocol: b\r\n/i);
  });
}

netTest(
  "a message over its limit ends the socket with 1009, and broken frames with 1002",
  async (libos) => {
    await using at = echo(libos, "fast", { maxPayload: 1000 });
    const socket = wsOver(libos, at.port);
    await event(socket, "open");
    socket.send("x".repeat(1001));
    assertEquals(await event<number>(socket, "close"), 1009);
    const head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    using peer = await Peer.to(at.port);
    await peer.say(head);
    await peer.hear("\r\n\r\n");
    // It is not masked (RFC 6455, section 5.1), and its reserved bits are set.
    await peer.say("q\x01a");
    const heard = await peer.rest();
    assert(heard.includes("\x03\xea") || heard.includes("\x03\ufffd"), JSON.stringify(heard));
  },
);

netTest(
  "a socket of the server's that is closed ends its connection, and one that is torn is told",
  async (libos) => {
    const opened = Promise.withResolvers<WebSocket>();
    const ended = Promise.withResolvers<number>();
    await using server = serveHttp({ libos, ...LOOPBACK }, (request) => {
      const { socket, response } = upgradeWebSocket(request);
      socket.onopen = () => opened.resolve(socket);
      socket.onclose = ({ code }) => ended.resolve(code);
      return response;
    });
    const client = wsOver(libos, server.addr.port);
    const socket = await opened.promise;
    assertEquals(server.connections, 1);
    if (client.readyState !== client.OPEN) await event(client, "open");
    client.terminate();
    assertEquals(await ended.promise, 1006);
    assertEquals(socket.readyState, socket.CLOSED);
    while (server.connections > 0) await libos.operations.sleep(1);
  },
);
