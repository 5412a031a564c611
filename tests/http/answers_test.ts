/**
 * What a handler gives: answers of all kinds, what is none, and what it throws.
 *
 * @module
 */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Answer, HttpError, type HttpRequest, serveHttp } from "../../libos/http/mod.ts";
import type { Coroutine, LibOS, Sga } from "../../mod.ts";
import { exchange, LOOPBACK, netTest } from "../net/_net.ts";
import { answers, GET, parts, Peer, serveFast, statuses } from "./_http.ts";

function sgaOf(libos: LibOS, text: string): Sga {
  const sga = libos.alloc(text.length);
  new TextEncoder().encodeInto(text, sga.bytes());
  return sga;
}

netTest("a handler is a function, an async one, or a generator function", async (libos) => {
  for (
    const handler of [
      () => "hello",
      () => Promise.resolve("hello"),
      function* (request: HttpRequest): Coroutine<string> {
        return `hello${yield* request.text()}`;
      },
    ]
  ) {
    await using at = serveFast(libos, handler);
    assertEquals((await answers(at.port, GET + GET)).map(({ body }) => body), ["hello", "hello"]);
  }
});

netTest("an answer is a text, bytes, an sga, a stream of those, or nothing", async (libos) => {
  const sga = () => sgaOf(libos, "sga");
  const kinds: Record<string, () => Answer> = {
    "/text": () => "tëxt",
    "/long": () => "ö".repeat(5000),
    "/bytes": () => new TextEncoder().encode("bytes"),
    "/sga": () => ({ status: 201, headers: { "x-a": ["1", "2"], "x-b": 3 }, body: sga() }),
    "/stream": () => ({
      async *[Symbol.asyncIterator]() {
        yield "a";
        yield "";
        yield new TextEncoder().encode("b");
        await new Promise((resolve) => setTimeout(resolve, 2));
        yield sga();
      },
    } as unknown as Answer),
    "/nothing": () => ({}),
    "/204": () => ({ status: 204, body: "no" }),
    "/304": () => ({ status: 304, headers: { "content-length": 5 }, body: sga() }),
  };
  await using at = serveFast(libos, (request) => {
    const kind = kinds[request.path]!();
    return Symbol.asyncIterator in Object(kind) ? { body: kind as never } : kind;
  });
  const paths = Object.keys(kinds);
  const got = (await Promise.all(
    paths.slice(0, 6).map((path) => answers(at.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)),
  )).flat();
  assertEquals(
    got.map(({ status, body }) => [status, body]),
    [[200, "tëxt"], [200, "ö".repeat(5000)], [200, "bytes"], [201, "sga"], [200, "absga"], [
      200,
      "",
    ]],
  );
  assertEquals([got[3]!.headers.get("x-a"), got[3]!.headers.get("x-b")], ["1, 2", "3"]);
  assertEquals(got[0]!.headers.get("content-type"), "text/plain;charset=UTF-8");
  for (const path of ["/204", "/304"]) {
    const heard = await exchange(at.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assertMatch(heard, /^HTTP\/1.1 [23]04 [^]*\r\n\r\n$/);
    assertEquals(/content-length|no$/.test(heard), false);
  }
});

netTest(
  "what a handler throws is told, and answered with 500, or as an HttpError says",
  async (libos) => {
    const seen: string[] = [];
    await using server = serveHttp({
      libos,
      ...LOOPBACK,
      tier: "fast",
      onError: (error, request) => {
        seen.push(`${request?.path} ${(error as Error).message}`);
      },
    }, (request) => {
      if (request.path === "/418") throw new HttpError(418, "a teapot");
      if (request.path === "/late") return Promise.reject(new Error("late"));
      throw new Error("at once");
    });
    const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    assertEquals(
      (await answers(server.addr.port, ask("/a") + ask("/late") + ask("/418") + ask("/b")))
        .map(({ status, body }) => [status, body]),
      [[500, "Internal Server Error\n"], [500, "Internal Server Error\n"], [418, "a teapot\n"]],
    );
    assertEquals(seen, ["/a at once", "/late late"]);
  },
);

netTest("what is no answer is a 500, and nothing of it is sent", async (libos) => {
  const wrong = [
    undefined,
    null,
    5,
    { status: 99 },
    { status: 101 },
    { headers: { "a b": "c" } },
    { headers: { a: "b\r\nc: d" } },
    { headers: [["a", "b\0"]] },
    { headers: { "content-length": "x" } },
    { body: 5 },
    { body: {} },
  ];
  await using at = serveFast(libos, (request) => wrong[Number(request.query)] as Answer);
  const requests = wrong.map((_, i) => `GET /?${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
  assertEquals(await statuses(at.port, requests), wrong.map(() => 500));
  assertEquals(at.errors.length, wrong.length);
});

netTest(
  "a stream that fails, or has not the length that was said, ends in a reset",
  async (libos) => {
    const streams: Record<string, () => AsyncGenerator<string>> = {
      async *"/fails"() {
        yield "abc";
        throw new Error("torn");
      },
      "/long": () => parts("abc", "def", "g"),
      "/short": () => parts("abc", "de"),
    };
    await using at = serveFast(libos, (request) => ({
      ...request.path !== "/fails" && { headers: { "content-length": 6 } },
      body: streams[request.path]!(),
    }));
    for (const path of Object.keys(streams)) {
      const heard = exchange(at.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await assertRejects(() => heard, Deno.errors.ConnectionReset);
    }
    assertEquals(at.errors.length, 3);
  },
);

netTest("a stream is let go of when its client goes away", async (libos) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using at = serveFast(libos, () => ({
    body: (async function* () {
      try {
        for (;;) {
          yield "x".repeat(65536);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      } finally {
        resolve();
      }
    })(),
  }));
  {
    using peer = await Peer.to(at.port);
    await peer.say(GET);
    await peer.hear("x");
  }
  await promise;
  await at.server.shutdown();
});
