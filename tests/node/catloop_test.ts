/**
 * Node on the native catloop: nothing depends on catnap, or on a libOS that closes one direction alone.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import http from "node:http";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { createConnection } from "../../libos/node/mod.ts";
import { runChildren, testScenarios } from "../demikernel/_scenarios.ts";
import { ask, Attached, makeAgent } from "./_node.ts";

testScenarios(import.meta, "catloop", {
  async "node:http serves and asks over catloop, also large bodies"(libos) {
    await using server = new Attached(
      libos,
      http.createServer(async (request, response) => {
        response.end(`${request.method} ${request.url} ${(await text(request)).length}`);
      }),
    );
    const agent = makeAgent(libos);
    const large = "x".repeat(300_000);
    const answers = ["/a", "/b", "/c"].map((path) => ask(agent, server.port, path, large));
    assertEquals(
      await Promise.all(answers),
      ["/a", "/b", "/c"].map((path) => `PUT ${path} 300000`),
    );
    assertEquals(await ask(agent, server.port, "/d"), "GET /d 0");
    agent.destroy();
  },

  async "a ConnectionDuplex ends both directions with its write side"(libos) {
    await using server = new Attached(libos, createServer((socket) => socket.end("all of it")));
    const socket = createConnection({ libos, port: server.port });
    assertEquals(await text(socket), "all of it");
  },
});

await runChildren();
