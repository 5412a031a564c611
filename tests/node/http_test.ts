import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import http2 from "node:http2";
import { text } from "node:stream/consumers";
import { createConnection } from "../../libos/node/mod.ts";
import type { LibOS } from "../../mod.ts";
import { missingProgram, needing } from "../_needs.ts";
import { bytes, exchange, netTest } from "../net/_net.ts";
import { pause, within } from "../runtime/_assert.ts";
import { ask, Attached, curl, event, makeAgent } from "./_node.ts";

/** Large enough that no buffer on the way holds a noticeable part of it. */
const LARGE = 100_000_000;

/** Answers by path: what was asked, as much as was sent, a large body, or slowly. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url!;
  if (path === "/large") {
    response.setHeader("content-length", LARGE);
    const piece = Buffer.alloc(1_000_000, "x");
    let left = LARGE / piece.length;
    const more = (): void => {
      while (left > 0) {
        left--;
        if (!response.write(piece)) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  } else if (path === "/slow") {
    let i = 0;
    const timer = setInterval(() => {
      response.write(`${i}`);
      if (++i < 5) return;
      clearInterval(timer);
      response.end();
    }, 10);
  } else {
    let length = 0;
    request.on("data", (chunk) => length += chunk.length);
    request.on("end", () => response.end(`${request.method} ${path} ${length}\n`));
  }
}

function makeServer(libos: LibOS): Attached<http.Server> {
  return new Attached(libos, http.createServer(answer));
}

/** A test that needs curl. */
function curlTest(name: string, body: (libos: LibOS) => Promise<void>, debug = true): void {
  const { name: said, ignore } = needing(missingProgram("curl"), name);
  if (ignore) Deno.test({ name: said, ignore, fn() {} });
  else netTest(name, body, { debug });
}

curlTest("node:http keeps a connection of curl for several requests", async (libos) => {
  await using server = makeServer(libos);
  let connections = 0;
  server.server.on("connection", () => connections++);
  const url = `http://127.0.0.1:${server.port}`;
  const { code, stdout } = await curl([`${url}/a`, `${url}/b`, `${url}/slow`]);
  assertEquals([code, stdout], [0, "GET /a 0\nGET /b 0\n01234"]);
  assertEquals(connections, 1);
});

curlTest("node:http sends and receives bodies of 100 MB in bounded memory", async (libos) => {
  await using server = makeServer(libos);
  const url = `http://127.0.0.1:${server.port}`;
  const file = await Deno.makeTempFile();
  let most = 0;
  const timer = setInterval(() => most = Math.max(most, libos.statistics().heapBytes), 5);
  try {
    assertEquals(await curl(["--output", file, `${url}/large`]), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    assertEquals((await Deno.stat(file)).size, LARGE);
    const { stdout } = await curl(["--upload-file", file, `${url}/up`]);
    assertEquals(stdout, `PUT /up ${LARGE}\n`);
  } finally {
    clearInterval(timer);
    await Deno.remove(file);
  }
  assert(most < 16 * 2 ** 20, `${most} bytes`);
}, false);

curlTest("node:http answers Expect: 100-continue, and slow bodies", async (libos) => {
  await using server = makeServer(libos);
  const url = `http://127.0.0.1:${server.port}/up`;
  const expecting = await curl(
    ["--verbose", "--header", "Expect: 100-continue", "--data-binary", "@-", url],
    new Uint8Array(5_000),
  );
  assertMatch(expecting.stderr, /HTTP\/1\.1 100 Continue/);
  assertEquals(expecting.stdout, "POST /up 5000\n");
  const slow = await curl(
    ["--limit-rate", "100k", "--data-binary", "@-", url],
    new Uint8Array(40_000),
  );
  assertEquals(slow.stdout, "POST /up 40000\n");
});

const BROKEN = {
  "no HTTP": "nonsense\r\n\r\n",
  "a header without a name": "GET / HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n",
  "two lengths": "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
};

for (const [what, request] of Object.entries(BROKEN)) {
  netTest(`node:http refuses ${what}, and serves on`, async (libos) => {
    await using server = makeServer(libos);
    assertMatch(await within(exchange(server.port, request)), /^HTTP\/1\.1 400 /);
    const good = "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assertStringIncludes(await within(exchange(server.port, good)), "GET /a 0\n");
  });
}

netTest("node:http sees a client that goes away in the middle of its request", async (libos) => {
  await using server = makeServer(libos);
  const client = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const requested = event<IncomingMessage>(server.server, "request");
  await client.write(bytes("POST /up HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc"));
  const request = await requested;
  const failed = event<{ code: string }>(request, "error");
  client.close();
  assertEquals((await within(failed)).code, "ECONNRESET");
});

netTest(
  "close() of a server of Node ends idle connections, and waits for the others",
  async (libos) => {
    const server = makeServer(libos);
    const idle = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await idle.write(bytes("GET /a HTTP/1.1\r\nhost: x\r\n\r\n"));
    await idle.read(new Uint8Array(1_000));
    const busy = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await busy.write(bytes("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"));
    await busy.read(new Uint8Array(1_000));
    const closed = event(server.server, "close");
    server.server.close();
    assertEquals(await within(idle.read(new Uint8Array(1_000))), null);
    assertStringIncludes(await within(new Response(busy.readable).text()), "\r\n4\r\n");
    await within(closed);
    assertEquals(server.server.listening, false);
    idle.close();
  },
);

netTest("keepAliveTimeout and the timeouts of requests close connections", async (libos) => {
  await using server = makeServer(libos);
  server.server.keepAliveTimeout = 20;
  const client = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await client.write(bytes("GET /a HTTP/1.1\r\nhost: x\r\n\r\n"));
  await client.read(new Uint8Array(1_000));
  assertEquals(await within(client.read(new Uint8Array(1)), 5), null);
  client.close();
  server.server.setTimeout(30);
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  assertEquals(await within(silent.read(new Uint8Array(1)), 5), null);
  silent.close();
});

netTest("an agent of node:http keeps connections of a libOS, and asks over many", async (libos) => {
  await using server = makeServer(libos);
  let connections = 0;
  server.server.on("connection", () => connections++);
  const agent = makeAgent(libos);
  const answers = Array.from({ length: 40 }, (_, i) => ask(agent, server.port, `/${i}`, "abc"));
  assertEquals(await Promise.all(answers), answers.map((_, i) => `PUT /${i} 3\n`));
  assertEquals(connections, 4);
  agent.destroy();
});

netTest("node:http2 serves over a libOS, and asks", async (libos) => {
  await using server = new Attached(
    libos,
    // deno-lint-ignore no-explicit-any -- It is declared without its base class.
    http2.createServer((request, response) => response.end(`hello ${request.url}`)) as any,
  );
  const session = http2.connect(`http://127.0.0.1:${server.port}`, {
    createConnection: () => createConnection({ libos, port: server.port }),
  });
  const answers = Array.from({ length: 20 }, async (_, i) => {
    const stream = session.request({ ":path": `/${i}` });
    return await text(stream);
  });
  assertEquals(await Promise.all(answers), answers.map((_, i) => `hello /${i}`));
  await new Promise<void>((resolve) => session.close(resolve));
});

netTest("1 000 requests, each on a connection of its own, leave nothing", async (libos) => {
  await using server = makeServer(libos);
  const agent = makeAgent(libos);
  Object.assign(agent, { keepAlive: false });
  for (let i = 0; i < 1_000; i += 4) {
    await Promise.all([0, 1, 2, 3].map(() => ask(agent, server.port, "/a")));
  }
  agent.destroy();
  const count = () =>
    new Promise((resolve) => server.server.getConnections((_, count) => resolve(count)));
  while (await count() !== 0) await pause(5);
  assertEquals(libos.statistics().queues, 1);
});
