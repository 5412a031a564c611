/**
 * curl as a foreign client: HTTP/1.1 and HTTPS, large bodies both ways, slow ones, and what it waits for.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { HttpClient, serveHttp } from "../../libos/http/mod.ts";
import { upgradeWebSocket } from "../../libos/http/websocket.ts";
import { WebSocket as NodeWebSocket } from "npm:ws@8.23.0";
import type { InetAddress, LibOS } from "../../mod.ts";
import type { HttpServerOptions } from "../../libos/http/mod.ts";
import { missingProgram, needing } from "../_needs.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";
import { curl, event } from "../node/_node.ts";
import { Certificates } from "../tls/_certificates.ts";
import { TIERS } from "./_http.ts";

/** What curl is asked to tell of the answer. */
const TELL = ["--write-out", "\n%{http_code} %{num_connects}"];

/** An echo of bodies, as streams. */
function echo(libos: LibOS, tier: string, options: HttpServerOptions<InetAddress> = {}) {
  if (tier === "fetch") {
    return serveHttp(
      { libos, ...LOOPBACK, ...options },
      (request) =>
        request.headers.has("upgrade") ? socketEcho(request) : new Response(request.body),
    );
  }
  return serveHttp({ libos, ...LOOPBACK, tier: "fast", ...options }, (request) => ({
    body: (async function* () {
      for (let sga; (sga = await request.pop()) !== null;) yield sga;
    })(),
  }));
}

function socketEcho(request: Request): Response {
  const { socket, response } = upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
}

/** A test that needs a program. */
function curlTest(
  program: "curl" | "openssl",
  name: string,
  body: (libos: LibOS) => Promise<void>,
) {
  const missing = missingProgram("curl") ?? missingProgram(program);
  if (missing !== undefined) Deno.test({ ...needing(missing, name), fn() {} });
  else netTest(name, body);
}

for (const tier of TIERS) {
  curlTest("curl", `curl sends and gets large bodies, in the ${tier} tier`, async (libos) => {
    await using server = echo(libos, tier);
    const url = `http://127.0.0.1:${server.addr.port}/`;
    const body = new Uint8Array(8_000_000).map((_, i) => i * 31 % 95 + 32);
    const sent = new TextDecoder().decode(body);
    const length = await curl([url, "--data-binary", "@-", ...TELL], body);
    assertEquals(length.stdout === `${sent}\n200 1`, true, length.stderr);
    const chunked = ["--header", "Transfer-Encoding: chunked"];
    const chunks = await curl([url, "--data-binary", "@-", ...chunked, ...TELL], body);
    assertEquals(chunks.stdout === `${sent}\n200 1`, true, chunks.stderr);
    // A kilobyte each ten milliseconds or so.
    const slow = await curl(
      [url, "--limit-rate", "200k", "--data-binary", "@-"],
      body.slice(0, 40_000),
    );
    assertEquals(slow.stdout, sent.slice(0, 40_000));
    const expecting = ["--header", "Expect: 100-continue", "--verbose"];
    const expected = await curl([url, "--data-binary", "@-", ...expecting], "abc");
    assertEquals(expected.stdout, "abc");
    assertMatch(expected.stderr, /< HTTP\/1.1 100 Continue[^]*< HTTP\/1.1 200 OK/);
    const kept = await curl([url, url, "--http1.1", "--data", "x", ...TELL]);
    assertEquals(kept.stdout, "x\n200 1x\n200 0");
    const old = await curl([url, "--http1.0", "--data", "x", ...TELL]);
    assertEquals(old.stdout, "x\n200 1");
    assertMatch((await curl(["--head", url])).stdout, /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n$/);
  });

  curlTest(
    "openssl",
    `HTTPS is spoken with curl and with ours, in the ${tier} tier`,
    async (libos) => {
      await using certificates = await Certificates.make();
      const { cert, key, certPath } = await certificates.issue("localhost");
      await using server = echo(libos, tier, { cert, key });
      const { port } = server.addr;
      const url = `https://localhost:${port}/`;
      const there = ["--cacert", certPath, "--connect-to", "::127.0.0.1:"];
      const body = "secret ".repeat(100_000);
      const said = await curl([...there, url, "--data-binary", "@-", ...TELL], body);
      assertEquals(said.stdout === `${body}\n200 1`, true, said.stderr);
      const kept = await curl([...there, url, url, "--data", "x", ...TELL]);
      assertEquals(kept.stdout, "x\n200 1x\n200 0");
      {
        using client = new HttpClient({ libos, ca: cert });
        for (let i = 0; i < 3; i++) {
          assertEquals(await (await client.post(url, { body })).text(), body);
        }
        assertEquals(server.connections, 1);
      }
      if (tier === "fetch") {
        const socket = new NodeWebSocket(`wss://localhost:${port}/`, { ca: cert });
        await event(socket, "open");
        socket.send("secret");
        assertEquals(`${await event(socket, "message")}`, "secret");
        socket.close();
        await event(socket, "close");
      }
    },
  );
}
