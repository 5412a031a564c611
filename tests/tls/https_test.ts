/**
 * HTTPS on a libOS, by `node:https` and `node:http2`, to curl and to Node's own clients.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import http2 from "node:http2";
import https from "node:https";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createConnection } from "../../libos/node/mod.ts";
import type { LibOS } from "../../mod.ts";
import { missingProgram, needing } from "../_needs.ts";
import { netTest } from "../net/_net.ts";
import { Attached, curl, event } from "../node/_node.ts";
import { Certificates, type Issued } from "./_certificates.ts";

function httpsTest(name: string, body: (libos: LibOS, localhost: Issued) => Promise<void>): void {
  const { name: said, ignore } = needing(
    missingProgram("curl") ?? missingProgram("openssl"),
    name,
  );
  if (ignore) return Deno.test({ name: said, ignore, fn() {} });
  netTest(name, async (libos) => {
    await using certificates = await Certificates.make();
    await body(libos, await certificates.issue("localhost"));
  });
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  let length = 0;
  request.on("data", (chunk) => length += chunk.length);
  request.on("end", () => {
    const { httpVersion, url, socket: { remoteAddress } } = request;
    response.end(`${httpVersion} ${url} ${length} ${remoteAddress}\n`);
  });
}

const VERSIONS: Record<string, string[]> = {
  "1.2": ["--tlsv1.2", "--tls-max", "1.2"],
  "1.3": ["--tlsv1.3"],
};

for (const [version, flags] of Object.entries(VERSIONS)) {
  httpsTest(
    `node:https serves curl over TLS ${version}, kept alive, with bodies`,
    async (libos, localhost) => {
      const { cert, key, certPath } = localhost;
      await using server = new Attached(libos, https.createServer({ cert, key }, answer));
      const secured: (string | null)[] = [];
      server.server.on("secureConnection", (socket) => secured.push(socket.getProtocol()));
      const url = `https://localhost:${server.port}`;
      const common = ["--cacert", certPath, ...flags];
      assertEquals(await curl([...common, `${url}/a`, `${url}/b`]), {
        code: 0,
        stdout: "1.1 /a 0 127.0.0.1\n1.1 /b 0 127.0.0.1\n",
        stderr: "",
      });
      const upload = ["--data-binary", "@-", `${url}/c`];
      const { stdout } = await curl([...common, ...upload], new Uint8Array(5_000_000));
      assertEquals(stdout, "1.1 /c 5000000 127.0.0.1\n");
      assertEquals(secured, [`TLSv${version}`, `TLSv${version}`]);
    },
  );
}

httpsTest("node:https and curl refuse what they must, and serve on", async (libos, localhost) => {
  const { cert, key, certPath } = localhost;
  await using server = new Attached(libos, https.createServer({ cert, key }, answer));
  const told: unknown[] = [];
  server.server.on("tlsClientError", (error) => told.push(error));
  const good = ["--cacert", certPath, `https://localhost:${server.port}/a`];
  // 60 is a certificate that is not trusted, 52 an answer that never came.
  const distrusting = await curl([`https://localhost:${server.port}/a`]);
  assertEquals(distrusting.code, 60, distrusting.stderr);
  const plain = await curl([`http://localhost:${server.port}/a`]);
  assertEquals(plain.code, 52, plain.stderr);
  const wrongName = ["--resolve", `other.test:${server.port}:127.0.0.1`];
  const misled = await curl(
    [...wrongName, "--cacert", certPath, `https://other.test:${server.port}/a`],
  );
  assertEquals(misled.code, 60, misled.stderr);
  assertEquals((await curl(good)).stdout, "1.1 /a 0 127.0.0.1\n");
  assertMatch(String(told), /wrong version number/);
});

httpsTest(
  "setSecureContext() renews the certificate of a server of Node",
  async (libos, localhost) => {
    await using certificates = await Certificates.make();
    const renewed = await certificates.issue("localhost");
    const { cert, key, certPath } = localhost;
    await using server = new Attached(libos, https.createServer({ cert, key }, answer));
    const url = `https://localhost:${server.port}/a`;
    server.server.setSecureContext({ cert: renewed.cert, key: renewed.key });
    assertEquals((await curl(["--cacert", renewed.certPath, url])).code, 0);
    assertEquals((await curl(["--cacert", certPath, url])).code, 60);
  },
);

httpsTest(
  "node:http2 serves curl over TLS, by ALPN, and HTTP/1.1 beside it",
  async (libos, localhost) => {
    const { cert, key, certPath } = localhost;
    const secure = http2.createSecureServer({ cert, key, allowHTTP1: true }, answer as never);
    await using server = new Attached(libos, secure as unknown as https.Server);
    const url = `https://localhost:${server.port}`;
    const { stdout } = await curl(["--cacert", certPath, "--http2", `${url}/a`, `${url}/b`]);
    assertEquals(stdout, "2.0 /a 0 127.0.0.1\n2.0 /b 0 127.0.0.1\n");
    const old = await curl(["--cacert", certPath, "--http1.1", `${url}/c`]);
    assertEquals(old.stdout, "1.1 /c 0 127.0.0.1\n");
  },
);

httpsTest("node:https asks over a libOS, through an agent", async (libos, { cert, key }) => {
  await using server = new Attached(libos, https.createServer({ cert, key }, answer));
  const agent = Object.assign(new https.Agent({ keepAlive: true }), {
    createConnection: (options: tls.ConnectionOptions & { port: number }) =>
      tls.connect({ ...options, socket: createConnection({ libos, port: options.port }) }),
  });
  for (const path of ["/a", "/b"]) {
    const request = https.get({ host: "localhost", port: server.port, path, agent, ca: cert });
    const response = await event<IncomingMessage>(request, "response");
    assertEquals(await text(response), `1.1 ${path} 0 127.0.0.1\n`);
  }
  agent.destroy();
});
