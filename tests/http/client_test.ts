/**
 * The client: requests of all kinds, over connections that are kept, shared, and replaced.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { HttpClient, HttpError, type HttpRequest, serveHttp } from "../../libos/http/mod.ts";
import { type Coroutine, DemikernelError, type LibOS, type Sga } from "../../mod.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";

function sgaOf(libos: LibOS, text: string): Sga {
  const sga = libos.alloc(text.length);
  new TextEncoder().encodeInto(text, sga.bytes());
  return sga;
}

async function* parts() {
  yield "a";
  yield "";
  await new Promise((resolve) => setTimeout(resolve, 1));
  yield new TextEncoder().encode("bc");
}

/** Answers what it was asked. */
function* tell(request: HttpRequest): Coroutine<string> {
  const text = yield* request.text({ limit: 2 ** 24 });
  return [request.method, request.target, request.header("x-a"), request.contentLength, text].join(
    " ",
  );
}

/** A server of Deno that answers each connection with the same bytes, whatever it is asked. */
function answering(answer: string | ((connection: Deno.Conn, nth: number) => Promise<void>)) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const buffer = new Uint8Array(65536);
  let connections = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      const nth = connections++;
      void (async () => {
        try {
          if (typeof answer !== "string") return await answer(connection, nth);
          await connection.read(buffer);
          await connection.write(new TextEncoder().encode(answer));
        } finally {
          connection.close();
        }
      })().catch(() => {});
    }
  })();
  return {
    url: `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

netTest("requests of all kinds are made, and one connection serves them all", async (libos) => {
  await using server = serveHttp({ libos, ...LOOPBACK, tier: "fast" }, tell);
  using client = new HttpClient({ libos });
  const url = `http://127.0.0.1:${server.addr.port}/a?b`;
  const text = async (asked: ReturnType<typeof client.get>) => await (await asked).text();
  const headers = { "x-a": 1 };
  assertEquals(await text(client.get(url, { headers })), "GET /a?b 1 0 ");
  assertEquals(await text(client.get(new URL(url))), "GET /a?b  0 ");
  assertEquals(await text(client.delete(`${url}#c`)), "DELETE /a?b  0 ");
  assertEquals(await text(client.post(url)), "POST /a?b  0 ");
  assertEquals(await text(client.post(url, { body: "tëxt" })), "POST /a?b  5 tëxt");
  const body = new TextEncoder().encode("bytes");
  assertEquals(await text(client.put(url, { body })), "PUT /a?b  5 bytes");
  assertEquals(await text(client.put(url, { body: sgaOf(libos, "sga") })), "PUT /a?b  3 sga");
  assertEquals(await text(client.request("PATCH", url, { body: parts() })), "PATCH /a?b   abc");
  const known = { headers: { "content-length": 3 }, body: parts() };
  assertEquals(await text(client.put(url, known)), "PUT /a?b  3 abc");
  const large = "x".repeat(5_000_000);
  assertEquals((await text(client.put(url, { body: large }))).length, large.length + 18);
  const head = await client.head(url);
  assertEquals([head.status, head.ok, head.header("content-length"), await head.text()], [
    200,
    true,
    "13",
    "",
  ]);
  assertEquals(server.connections, 1);
});

netTest("a coroutine waits by yield*, with bodies in sgas, JSON and bytes", async (libos) => {
  await using server = serveHttp({ libos, ...LOOPBACK, tier: "fast" }, () => ({
    headers: { "x-b": ["1", "2"] },
    body: {
      async *[Symbol.asyncIterator]() {
        yield "[1,";
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield "2]";
      },
    },
  }));
  const url = `http://127.0.0.1:${server.addr.port}/`;
  using client = new HttpClient({ libos });
  await libos.spawn((function* (): Coroutine {
    assertEquals(yield* (yield* client.get(url)).json(), [1, 2]);
    assertEquals((yield* (yield* client.get(url)).bytes()).length, 5);
    const response = yield* client.get(url);
    assertEquals([...response.headers()].filter(([name]) => name === "x-b").length, 2);
    assertEquals(response.header("x-b"), "1, 2");
    let text = "";
    for (let sga; (sga = yield* response.pop()) !== null; sga.free()) {
      text += new TextDecoder().decode(sga.toUint8Array());
    }
    assertEquals([text, yield* response.text(), yield* response.pop()], ["[1,2]", "", null]);
  })());
  await assertRejects(async () => {
    const response = await client.get(url);
    await response.text();
    await response.json();
  }, SyntaxError);
  assertEquals(server.connections, 1);
});

netTest("at most so many connections are open, and who waits gets the next one", async (libos) => {
  let most = 0;
  await using server = serveHttp({ libos, ...LOOPBACK, tier: "fast" }, async (request) => {
    most = Math.max(most, server.connections);
    await new Promise((resolve) => setTimeout(resolve, 2));
    return request.query;
  });
  using client = new HttpClient({ libos, maxConnections: 3 });
  const asked = Array.from(
    { length: 30 },
    async (_, i) => await (await client.get(`http://127.0.0.1:${server.addr.port}/?${i}`)).text(),
  );
  assertEquals(await Promise.all(asked), asked.map((_, i) => `${i}`));
  assertEquals(most, 3);
});

netTest(
  "an idle connection is closed in time, and an answer that is not read closes its own",
  async (libos) => {
    await using server = serveHttp(
      { libos, ...LOOPBACK, tier: "fast" },
      () => "x".repeat(1_000_000),
    );
    using client = new HttpClient({ libos, idleTimeout: 50 });
    const url = `http://127.0.0.1:${server.addr.port}/`;
    {
      using response = await client.get(url);
      assertEquals(response.status, 200);
    }
    while (server.connections > 0) {
      await libos.operations.sleep(1);
    }
    await (await client.get(url)).bytes();
    assertEquals(server.connections, 1);
    while (server.connections > 0) await libos.operations.sleep(5);
  },
);

netTest(
  "a request is repeated where a connection was closed as it was sent, if it may be",
  async (libos) => {
    // Each connection answers once, and is closed when it is asked for more.
    await using server = answering(async (connection, nth) => {
      const buffer = new Uint8Array(65536);
      await connection.read(buffer);
      await connection.write(
        new TextEncoder().encode(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${nth}`),
      );
      await connection.read(buffer);
    });
    using client = new HttpClient({ libos });
    const text = async (asked: ReturnType<typeof client.get>) => await (await asked).text();
    assertEquals(await text(client.get(server.url)), "0");
    assertEquals(await text(client.get(server.url)), "1");
    assertEquals(await text(client.put(server.url, { body: "x" })), "2");
    await assertRejects(() => text(client.post(server.url, { body: "x" })), Error);
    assertEquals(server.connections, 3);
  },
);

const BROKEN: Record<
  string,
  [answer: string, error: typeof HttpError | typeof Deno.errors.UnexpectedEof]
> = {
  "no HTTP": ["SSH-2.0-OpenSSH\r\n", HttpError],
  "two lengths": ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", HttpError],
  "a length and chunks": [
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    HttpError,
  ],
  "an empty coding and a length": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding:\r\ncontent-length: 1\r\n\r\na",
    HttpError,
  ],
  "chunks, twice": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunkedchunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    HttpError,
  ],
  "chunks, and then another coding": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\na",
    HttpError,
  ],
  "chunks of another coding": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    HttpError,
  ],
  "a chunk with spaces": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1  \r\na\r\n0\r\n\r\n",
    HttpError,
  ],
  "bare LFs": ["HTTP/1.1 200 OK\ncontent-length: 1\n\na", HttpError],
  "a bare CR in a field": ["HTTP/1.1 200 OK\r\nx: 1\ry: 2\r\ncontent-length: 0\r\n\r\n", HttpError],
  "a bare CR before it": ["\rHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", HttpError],
  "a folded field": ["HTTP/1.1 200 OK\r\nx: 1\r\n y\r\ncontent-length: 0\r\n\r\n", HttpError],
  "white space before the first field": [
    "HTTP/1.1 200 OK\r\n x: 1\r\ncontent-length: 0\r\n\r\n",
    HttpError,
  ],
  "half a protocol": ["HTP/1.1 200 OK\r\n\r\n", HttpError],
  "of HTTP/01.1": ["HTTP/01.1 200 OK\r\n\r\n", HttpError],
  "of HTTP/1.01": ["HTTP/1.01 200 OK\r\n\r\n", HttpError],
  "of HTTP/5.6": ["HTTP/5.6 200 OK\r\n\r\n", HttpError],
  "a protocol and a tab": ["HTTP/1.1\t200 OK\r\n\r\n", HttpError],
  "a status behind two spaces": ["HTTP/1.1  200 OK\r\n\r\n", HttpError],
  "a status of one digit": ["HTTP/1.1 2 OK\r\n\r\n", HttpError],
  "nothing": ["", Deno.errors.UnexpectedEof],
  "half a head": ["HTTP/1.1 200 OK\r\ncontent", Deno.errors.UnexpectedEof],
  "half a body": ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", Deno.errors.UnexpectedEof],
  "half a chunk": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    Deno.errors.UnexpectedEof,
  ],
  "a broken chunk": ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", HttpError],
  "a head without an end": [`HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}`, HttpError],
  "a body over its bound": [
    `HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n${"x".repeat(2000)}`,
    HttpError,
  ],
};

for (const [name, [answer, error]] of Object.entries(BROKEN)) {
  netTest(`an answer that is ${name} is an error`, async (libos) => {
    await using server = answering(answer);
    using client = new HttpClient({ libos, maxBodySize: 1000 });
    await assertRejects(
      async () => await (await client.get(server.url)).text(),
      error as typeof Error,
    );
  });
}

netTest(
  "answers end as they say: 1xx are let pass, the stream's end is one, close is close",
  async (libos) => {
    const cases: [string, string][] = [
      ["HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"],
      ["HTTP/1.0 200 OK\r\n\r\nto the end", "to the end"],
      [
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" +
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
        "a",
      ],
      ["HTTP/1.1 204 No Content\r\n\r\n", ""],
      ["HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", ""],
      ["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\na", "a"],
    ];
    using client = new HttpClient({ libos });
    for (const [answer, body] of cases) {
      await using server = answering(answer);
      for (let i = 0; i < 2; i++) assertEquals(await (await client.get(server.url)).text(), body);
      assertEquals(server.connections, 2);
    }
  },
);

netTest("an answer that comes before the body was sent is an answer", async (libos) => {
  await using server = serveHttp({ libos, ...LOOPBACK, tier: "fast", maxBodySize: 1000 }, tell);
  using client = new HttpClient({ libos });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const response = await client.post(url, { body: new Uint8Array(20_000_000) });
  assertEquals(response.status, 413);
  await response.text();
});

netTest("timeout and signal end a request, wherever it is", async (libos) => {
  await using server = serveHttp({ libos, ...LOOPBACK, tier: "fast" }, async (request) => {
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    return "";
  });
  using client = new HttpClient({ libos, maxConnections: 1 });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const timeout = 30;
  // One is asked, and the other one waits for the connection.
  await Promise.all(
    [0, 1].map(() =>
      assertRejects(async () => await client.get(url, { timeout }), Deno.errors.TimedOut)
    ),
  );
  const controller = new AbortController();
  const asked = client.get(url, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 10);
  await assertRejects(async () => await asked, Error);
  await assertRejects(
    async () => await client.get("http://127.0.0.1:1/", { timeout: 1000 }),
    Deno.errors.ConnectionRefused,
  );
});

netTest("a body that could not be sent is let go of", async (libos) => {
  using client = new HttpClient({ libos });
  const refused = "http://127.0.0.1:1/";
  await assertRejects(
    async () => await client.put(refused, { body: sgaOf(libos, "sga") }),
    Deno.errors.ConnectionRefused,
  );
  let ended = false;
  const body = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      return: () => Promise.resolve({ done: true as const, value: void (ended = true) }),
    }),
  };
  // It hears what comes, and says nothing.
  await using server = answering(async (connection) => {
    while (await connection.read(new Uint8Array(1024)) !== null);
  });
  await assertRejects(
    async () => await client.put(server.url, { body, timeout: 50 }),
    Deno.errors.TimedOut,
  );
  assert(ended);
});

netTest("a client refuses what cannot be asked for", async (libos) => {
  const client = new HttpClient({ libos });
  const url = "http://127.0.0.1/";
  assertThrows(() => client.get("ftp://a/"), DemikernelError, "must be of http or https");
  assertThrows(() => client.get("no url"), TypeError);
  assertThrows(() => client.request("A B", url), DemikernelError, "method must be a token");
  assertThrows(() => client.request("CONNECT", url), DemikernelError);
  assertThrows(() => client.get(url, { headers: { "a\r\nb": "c" } }), DemikernelError);
  assertThrows(() => client.get(url, { headers: { a: "b\r\nc: d" } }), DemikernelError);
  assertThrows(() => client.get(url, { timeout: -1 }), DemikernelError);
  assertThrows(() => client.get(url, { signal: 5 as never }), DemikernelError);
  assertThrows(() => client.put(url, { body: 5 as never }), Error);
  assertThrows(() => new HttpClient({ libos, maxConnections: 0 }), DemikernelError);
  client[Symbol.dispose]();
  assertThrows(() => client.get(url), Deno.errors.BadResource);
  await Promise.resolve();
});
