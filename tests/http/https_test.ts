/**
 * HTTP under TLS: with our own client and ws, and with clients that cannot agree on it.
 *
 * @module
 */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { stub } from "@std/testing/mock";
import { WebSocket as NodeWebSocket } from "npm:ws@8.23.0";
import { HttpClient, serveHttp } from "../../libos/http/mod.ts";
import { upgradeWebSocket } from "../../libos/http/websocket.ts";
import type { LibOS } from "../../mod.ts";
import { missingProgram, needing } from "../_needs.ts";
import { connectTls } from "../../libos/tls/mod.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";
import { event } from "../node/_node.ts";
import { Certificates, type Issued } from "../tls/_certificates.ts";
import { Peer, telling, TIERS } from "./_http.ts";

/** A test with a certificate of localhost. */
function secureTest(name: string, body: (libos: LibOS, issued: Issued) => Promise<void>): void {
  const missing = missingProgram("openssl");
  if (missing !== undefined) return Deno.test({ ...needing(missing, name), fn() {} });
  netTest(name, async (libos) => {
    await using certificates = await Certificates.make();
    await body(libos, await certificates.issue("localhost"));
  });
}

for (const tier of TIERS) {
  secureTest(`HTTPS is spoken with ours, in the ${tier} tier`, async (libos, { cert, key }) => {
    await using server = telling(libos, tier, { cert, key });
    using client = new HttpClient({ libos, ca: cert });
    const body = "secret ".repeat(100_000);
    for (let i = 0; i < 3; i++) {
      const response = await client.post(`https://localhost:${server.addr.port}/a`, { body });
      assertEquals(await response.text(), `POST /a ${body}`);
    }
    assertEquals(server.connections, 1);
  });

  secureTest(
    `HTTP/1.1 and 1.0 are agreed to by ALPN, in the ${tier} tier`,
    async (libos, issued) => {
      const { cert, key } = issued;
      await using server = telling(libos, tier, { cert, key, onError: () => {} });
      const agreed = async (...alpnProtocols: string[]) => {
        const where = { libos, port: server.addr.port, servername: "localhost", ca: cert };
        using connection = await connectTls({ ...where, ...alpnProtocols[0] && { alpnProtocols } });
        return connection.alpnProtocol;
      };
      assertEquals(await agreed("h2", "http/1.1"), "http/1.1");
      assertEquals(await agreed("http/1.0"), "http/1.0");
      assertEquals(await agreed(), null);
      // RFC 7301, section 3.2.
      await assertRejects(() => agreed("h2"));
    },
  );
}

secureTest("a WebSocket is spoken under TLS", async (libos, { cert, key }) => {
  await using server = serveHttp({ libos, ...LOOPBACK, cert, key }, (request) => {
    const { socket, response } = upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  const socket = new NodeWebSocket(`wss://localhost:${server.addr.port}/`, { ca: cert });
  await event(socket, "open");
  socket.send("secret");
  assertEquals(`${await event(socket, "message")}`, "secret");
  socket.close();
  await event(socket, "close");
});

secureTest(
  "a client that speaks no TLS is told of in one line, and one that goes away in none",
  async (libos, { cert, key }) => {
    using print = stub(console, "error", () => {});
    await using server = telling(libos, "fast", { cert, key });
    const { port } = server.addr;
    {
      using _gone = await Peer.to(port);
    }
    {
      using plain = await Peer.to(port);
      await plain.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await plain.rest().catch(() => "");
    }
    while (server.connections > 0) await libos.operations.sleep(1);
    assertEquals(print.calls.length, 1);
    assertMatch(`${print.calls[0]!.args[0]}`, /^InvalidData: TLS: [^\n]+$/);
  },
);
