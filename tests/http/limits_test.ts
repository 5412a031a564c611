/**
 * What a client may send, and how slowly.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { serveHttp } from "../../libos/http/mod.ts";
import { connect, type Connection, type LibOS } from "../../mod.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";
import { answers, GET, Peer, statuses, telling, TIERS } from "./_http.ts";
import { serveSlowClients } from "./slow_clients.ts";

function post(length: number, body = "x".repeat(length)): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;
}

function chunks(...lengths: number[]): string {
  const body = lengths.map((one) => `${one.toString(16)}\r\n${"x".repeat(one)}\r\n`).join("");
  return `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`;
}

for (const tier of TIERS) {
  netTest(`heads and bodies over their limits are refused, in the ${tier} tier`, async (libos) => {
    const wrong: unknown[] = [];
    const limits = { maxHeaderSize: 1000, maxHeaders: 10, maxBodySize: 5000 };
    await using server = telling(libos, tier, { ...limits, onError: (error) => wrong.push(error) });
    const { port } = server.addr;
    const fields = (count: number) =>
      GET.replace("\r\n\r\n", `\r\n${"A: b\r\n".repeat(count)}\r\n`);
    const cases: [string, number[]][] = [
      [fields(9), [200]],
      [fields(10), [431]],
      [GET.replace("Host", `X: ${"x".repeat(900)}\r\nHost`), [200]],
      [GET.replace("Host", `X: ${"x".repeat(1000)}\r\nHost`), [431]],
      [GET.replace("/ ", `/${"x".repeat(900)} `), [200]],
      [GET.replace("/ ", `/${"x".repeat(1000)} `), [414]],
      [GET.replace("/ ", `/${"x".repeat(100_000)} `), [414]],
      [`GET /${"x".repeat(2000)}`, [414]],
      [`${GET.slice(0, -2)}X: ${"x".repeat(2000)}`, [431]],
      [post(5000), [200]],
      [post(5001), [413]],
      [post(2 ** 40, ""), [413]],
      [chunks(2000, 3000), [200]],
      [chunks(2000, 3001), [413]],
      [chunks(...Array(100).fill(1)), [200]],
    ];
    for (const [request, expected] of cases) {
      assertEquals(await statuses(port, request), expected, request.slice(0, 100));
    }
    assertEquals(wrong, []);
  });
}

netTest("framing that is much more than its body is refused", async (libos) => {
  await using server = telling(libos, "fast", { maxHeaderSize: 1000 });
  const extension = `1;${"e".repeat(500)}\r\nx\r\n`;
  const body = `Transfer-Encoding: chunked\r\n\r\n${extension.repeat(100)}0\r\n\r\n`;
  const [answer] = await answers(server.addr.port, `POST / HTTP/1.1\r\nHost: a\r\n${body}`);
  assertEquals(answer!.status, 400);
});

netTest("a handler collects a mebibyte, or what it says", async (libos) => {
  await using server = serveHttp({ libos, ...LOOPBACK, tier: "fast" }, async (request) => {
    const limit = Number(request.header("x-limit"));
    return `${(await request.bytes(limit > 0 ? { limit } : {})).length}`;
  });
  const { port } = server.addr;
  const limited = (limit: number, length: number) =>
    post(length).replace("Host", `X-Limit: ${limit}\r\nHost`);
  assertEquals(await statuses(port, post(2 ** 20)), [200]);
  assertEquals(await statuses(port, post(2 ** 20 + 1)), [413]);
  assertEquals(await statuses(port, limited(10, 10)), [200]);
  assertEquals(await statuses(port, limited(10, 11)), [413]);
});

netTest("a head, and a body, that come too slowly are answered with 408", async (libos) => {
  await using server = telling(libos, "fast", { headerTimeout: 100, bodyTimeout: 200 });
  const { port } = server.addr;
  using silent = await Peer.to(port);
  using slow = await Peer.to(port);
  using begun = await Peer.to(port);
  using body = await Peer.to(port);
  using kept = await Peer.to(port);
  let drips = true;
  const dripping = (async () => {
    await slow.say("GET / HTTP/1.1\r\n");
    // Whoever drips is not idle, and is slow all the same.
    while (drips) {
      await slow.say("X: y\r\n").catch(() => drips = false);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  await begun.say(GET + "GET");
  await body.say(post(10, "x"));
  await kept.say(GET);
  assertEquals(await silent.rest(), "");
  assertMatch(await slow.rest().catch(() => "HTTP/1.1 408 "), /^HTTP\/1.1 408 /);
  drips = false;
  await dripping;
  assertMatch(await begun.rest(), /^HTTP\/1.1 200 .*HTTP\/1.1 408 .*connection: close\r\n\r\n$/s);
  assertEquals(await body.rest().catch(() => ""), "");
  // Who has nothing to ask for is idle, which is another limit.
  await kept.say(GET);
  await kept.hear("GET / ");
});

netTest("a handler that takes longer than the body may is not late", async (libos) => {
  await using server = serveHttp(
    { libos, ...LOOPBACK, tier: "fast", bodyTimeout: 40 },
    async (request) => {
      const text = await request.text();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return text;
    },
  );
  assertEquals((await answers(server.addr.port, post(3))).map(({ body }) => body), ["xxx"]);
});

netTest("an idle connection is closed, and one that takes nothing of its answer", async (libos) => {
  const large = new Uint8Array(2 ** 24);
  await using server = serveHttp(
    { libos, ...LOOPBACK, tier: "fast", idleTimeout: 100 },
    (request) => request.path === "/" ? "hello" : large,
  );
  using idle = await Peer.to(server.addr.port);
  await idle.say(GET);
  assertMatch(await idle.rest(), /hello$/);
  using lazy = await Peer.to(server.addr.port);
  await lazy.say(GET.replace("/", "/large"));
  while (server.connections > 0) await libos.operations.sleep(5);
});

netTest("connections beyond the most are closed as they come", async (libos) => {
  await using server = telling(libos, "fast", { maxConnections: 2 });
  const { port } = server.addr;
  {
    using one = await Peer.to(port);
    using two = await Peer.to(port);
    await one.say(GET);
    await two.say(GET);
    await Promise.all([one.hear("GET / "), two.hear("GET / ")]);
    using three = await Peer.to(port);
    assertEquals(await three.rest().catch(() => ""), "");
  }
  while (server.connections > 0) await libos.operations.sleep(1);
  assertEquals(await statuses(port, GET), [200]);
});

netTest("who asks on and takes no answers is not answered on", async (libos) => {
  let asked = 0;
  const answer = "x".repeat(60_000);
  await using server = serveHttp(
    { libos, ...LOOPBACK, tier: "fast" },
    () => (asked++, Promise.resolve(answer)),
  );
  const client: Connection = await connect({ libos, port: server.addr.port });
  const requests = 20_000;
  // The answers would be 1.2 GB.
  void client.push(GET.repeat(requests)).catch(() => {});
  let before = -1;
  while (before !== asked) {
    before = asked;
    await libos.operations.sleep(50);
  }
  assertEquals(asked < requests / 10, true, `${asked}`);
  client.reset();
});

/** Connections that say something which is no whole head, until all are there. */
async function slowloris(libos: LibOS, port: number, count: number): Promise<Connection[]> {
  const all: Connection[] = [];
  for (let i = 0; i < count; i++) {
    const connection = await connect({ libos, port });
    void connection.push("GET / HTTP/1.1\r\nX-Slow: ");
    all.push(connection);
  }
  return all;
}

netTest(
  "a thousand slow clients keep nobody waiting, and are gone when their time is over",
  async (libos) => {
    await using server = telling(libos, "fast", { headerTimeout: 1000, idleTimeout: 600_000 });
    const { port } = server.addr;
    const slow = await slowloris(libos, port, 1000);
    assertEquals(await statuses(port, GET), [200]);
    while (server.connections > 0) await libos.operations.sleep(10);
    for (const connection of slow) connection.reset();
  },
);

Deno.test("slow clients of each kind are held to the limits, and so is what they cost", {
  timeout: 60_000,
}, () => serveSlowClients(300, 2000));
