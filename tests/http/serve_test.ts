/**
 * What both tiers do: answers in order, requests as they came, and how connections go on and end.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { serveHttp } from "../../libos/http/mod.ts";
import { connect, DemikernelError } from "../../mod.ts";
import { exchange, LOOPBACK, netTest } from "../net/_net.ts";
import { answers, GET, parse, parts, Peer, serveFast, telling, TIERS } from "./_http.ts";

for (const tier of TIERS) {
  netTest(`pipelined requests are answered in order, in the ${tier} tier`, async (libos) => {
    await using server = telling(libos, tier);
    const requests = Array.from(
      { length: 30 },
      (_, i) =>
        i % 3 === 0
          ? `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`
          : `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`,
    );
    assertEquals(
      (await answers(server.addr.port, requests.join(""))).map(({ body }) => body.trimEnd()),
      requests.map((_, i) => i % 3 === 0 ? `POST /${i} abc` : `GET /${i}`),
    );
  });

  netTest(`HEAD is answered without a body, in the ${tier} tier`, async (libos) => {
    await using server = telling(libos, tier);
    const heard = await exchange(
      server.addr.port,
      `HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n${GET.replace("GET", "HEAD")}`,
    );
    assertEquals(heard.match(/content-length: \d+/g), ["content-length: 8", "content-length: 7"]);
    assertEquals(heard.includes("HEAD"), false);
  });

  netTest(`100 is sent when the body is asked for, in the ${tier} tier`, async (libos) => {
    await using server = telling(libos, tier);
    using peer = await Peer.to(server.addr.port);
    const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    // Behind the answers to what came before, of which the last one waits for that, too.
    await peer.say(GET + GET + head);
    const heard = parse(await peer.hear("100 Continue\r\n\r\n"));
    assertEquals(heard.map(({ status }) => status), [200, 200, 100]);
    await peer.say("abc");
    assertEquals(parse(await peer.hear("POST / abc"))[0]!.body, "POST / abc");
    // It is not needed where the body is here.
    await peer.say(`${head}def`);
    assertMatch(await peer.hear("POST / def"), /^HTTP\/1.1 200 /);
    await peer.say(head.replace("100-continue", "cake"));
    assertMatch(await peer.rest(), /^HTTP\/1.1 417 .*connection: close/s);
  });

  netTest(`HTTP/1.0 is answered without chunks, in the ${tier} tier`, async (libos) => {
    await using server = tier === "fast"
      ? serveHttp({ libos, ...LOOPBACK, tier }, () => ({ body: parts("ab", "c") }))
      : serveHttp({ libos, ...LOOPBACK, tier }, () => new Response(ReadableStream.from(encoded())));
    const { port } = server.addr;
    const kept = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    // The end of the connection is the end of the body: nothing is answered behind it.
    const [answer, ...others] = await answers(port, kept + kept);
    assertEquals([answer!.body, answer!.headers.get("connection"), others], ["abc", "close", []]);
    assertEquals(answer!.headers.has("transfer-encoding"), false);
    assertEquals((await answers(port, GET)).map(({ body }) => body), ["abc"]);
  });
}

async function* encoded() {
  for await (const text of parts("ab", "c")) yield new TextEncoder().encode(text);
}

netTest("what came together is answered in one push", async (libos) => {
  await using at = serveFast(libos, (request) => request.path);
  using client = await connect({ libos, port: at.port });
  await client.push(GET.repeat(20));
  using sga = await client.pop();
  assertEquals(parse(new TextDecoder().decode(sga!.toUint8Array())).length, 20);
});

netTest("a body that the handler did not read is skipped, if it is short", async (libos) => {
  await using at = serveFast(libos, (request) => request.path);
  const post = (length: number, sent = length) =>
    `POST /${length} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(sent)}`;
  assertEquals(
    (await answers(at.port, post(10) + post(100_000) + GET)).map(({ body }) => body),
    ["/10", "/100000", "/"],
  );
  const [answer] = await answers(at.port, post(10_000_000, 1000));
  assertEquals([answer!.status, answer!.body], [200, "/10000000"]);
});

netTest("a body comes in sgas, and its trailers behind it", async (libos) => {
  const trailers: unknown[] = [];
  await using at = serveFast(libos, async (request) => {
    let text = "";
    for (let sga; (sga = await request.pop()) !== null; sga.free()) {
      text += new TextDecoder().decode(sga.toUint8Array());
    }
    trailers.push(...request.trailers);
    return text;
  });
  const request =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
    "3\r\nabc\r\n5\r\ndefgh\r\n0\r\nX-Sum: 8\r\nX-Empty:\r\n\r\n";
  assertEquals((await answers(at.port, request + GET)).map(({ body }) => body), ["abcdefgh", ""]);
  assertEquals(trailers, [["X-Sum", "8"], ["X-Empty", ""]]);
});

netTest("a request tells what came, whatever its target looks like", async (libos) => {
  await using at = serveFast(libos, (request) =>
    JSON.stringify([
      request.target,
      request.path,
      request.query,
      request.host,
      request.url,
      request.version,
      request.header("x-a"),
      [...request.headers()].length,
      request.contentLength,
    ]));
  const fields = "X-A: 1 \r\nx-a:2\r\n";
  const targets: [string, unknown[]][] = [
    ["/a/b%20?c=d?e", ["/a/b%20?c=d?e", "/a/b%20", "c=d?e", "h:1", "http://h:1/a/b%20?c=d?e"]],
    ["/", ["/", "/", "", "h:1", "http://h:1/"]],
    ["//x/y", ["//x/y", "//x/y", "", "h:1", "http://h:1//x/y"]],
    ["http://i/j?k", ["http://i/j?k", "/j", "k", "i", "http://i/j?k"]],
    ["http://i?k/l", ["http://i?k/l", "/", "k/l", "i", "http://i?k/l"]],
    ["HTTP://i", ["HTTP://i", "/", "", "i", "HTTP://i"]],
  ];
  for (const [target, told] of targets) {
    const [answer] = await answers(
      at.port,
      `GET ${target} HTTP/1.1\r\nHost: h:1\r\n${fields}\r\n`,
    );
    assertEquals(JSON.parse(answer!.body), [...told, 11, "1, 2", 3, 0]);
  }
});

netTest(
  "a request's signal tells that the client is gone, and nothing is lost of one that stays",
  async (libos) => {
    const gone = Promise.withResolvers<unknown>();
    await using at = serveFast(libos, (request) => {
      const { signal } = request;
      if (request.path === "/stays") {
        return new Promise((resolve) => setTimeout(() => resolve(`${signal.aborted}`), 20));
      }
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          gone.resolve(signal.reason);
          resolve("");
        })
      );
    });
    const stays = "GET /stays HTTP/1.1\r\nHost: a\r\n\r\n";
    using patient = await Peer.to(at.port);
    // The second one comes while the first one is watched.
    await patient.say(stays);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await patient.say(stays);
    let heard = "";
    while (parse(heard).length < 2) heard += await patient.hear("false");
    assertEquals(parse(heard).map(({ body }) => body), ["false", "false"]);
    {
      using peer = await Peer.to(at.port);
      await peer.say(GET);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert(await gone.promise instanceof Deno.errors.ConnectionAborted);
  },
);

netTest("shutdown() answers what is under way, and closes what is idle", async (libos) => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<string>();
  const { server, port } = serveFast(libos, () => (asked.resolve(), answer.promise));
  using idle = await Peer.to(port);
  const busy = await Peer.to(port);
  await busy.say(GET + GET);
  await asked.promise;
  const over = server.shutdown();
  assertEquals(await idle.rest(), "");
  answer.resolve("late");
  const heard = parse(await busy.rest());
  assertEquals(heard.map(({ body }) => body).at(-1), "late");
  assertEquals(heard.at(-1)!.headers.get("connection"), "close");
  busy[Symbol.dispose]();
  await over;
});

netTest("abort(), and the signal, close what is under way, too", async (libos) => {
  for (const how of ["abort", "signal"]) {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const { server, port } = serveFast(libos, ({ signal }) => {
      asked.resolve();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve("")));
    }, {
      signal: controller.signal,
    });
    using peer = await Peer.to(port);
    await peer.say(GET);
    await asked.promise;
    if (how === "abort") void server.abort();
    else controller.abort();
    assertEquals(await peer.rest().catch(() => ""), "");
    await server.finished;
  }
});

netTest("a Unix socket is served, too", async (libos) => {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  await using _server = serveHttp(
    { libos, path, tier: "fast" },
    (request) => `${request.url} ${JSON.stringify(request.remoteAddr)}`,
  );
  const connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(GET));
  await connection.closeWrite();
  const [answer] = parse(await new Response(connection.readable).text());
  assertEquals(answer!.body, 'http://a/ {"path":""}');
});

netTest("serveHttp() refuses what it cannot use, and leaves nothing behind", (libos) => {
  const handler = () => "";
  const wrong: [object, RegExp][] = [
    [{ tier: "slow" }, /tier must be fast or fetch/],
    [{ maxHeaderSize: 0 }, /maxHeaderSize must be an integer of 1 or more/],
    [{ maxBodySize: "1" }, /maxBodySize/],
    [{ idleTimeout: -1 }, /timeout/],
    [{ onError: 5 }, /onError must be a function/],
    [{ cert: "none", key: "none" }, /./],
  ];
  for (const [options, told] of wrong) {
    const call = () =>
      serveHttp({ libos, ...LOOPBACK, tier: "fast", ...options } as never, handler);
    const error = assertThrows(call, Error);
    assertMatch(error.message, told);
  }
  const none = () => serveHttp({ libos, ...LOOPBACK, tier: "fast" }, 5 as never);
  assertThrows(none, DemikernelError, "handler must be a function");
  return Promise.resolve();
});
