/**
 * HTTP over networks that lose, double, reorder and spoil frames, with hosts that vanish: what is answered is right, and what
 * is not is an error.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { HttpClient, type HttpServer, serveHttp } from "../../libos/http/mod.ts";
import { connect } from "../../libos/net/mod.ts";
import type { Coroutine, InetAddress } from "../../libos/pdpix.ts";
import type { LinkOptions } from "../../libos/sim/link.ts";
import { simulate } from "../../libos/sim/network.ts";
import { parse } from "./_http.ts";

const SERVER = "10.0.0.1";
const URL_OF_SERVER = `http://${SERVER}:80`;

function world(seed: number, link: LinkOptions) {
  const network = simulate({ seed, check: true, link });
  const server = network.host({ name: "server", addresses: [`${SERVER}/24`] });
  const client = network.host({ name: "client", addresses: ["10.0.0.2/24"] });
  return { network, server, client };
}

function serve({ server }: ReturnType<typeof world>): HttpServer<InetAddress> {
  return serveHttp(
    { libos: server, hostname: SERVER, port: 80, tier: "fast" },
    function* (request) {
      const text = yield* request.text({ limit: 2 ** 24 });
      if (request.path !== "/stream") return `${request.path} ${text}`;
      return {
        body: (async function* () {
          for (let i = 0; i < 20; i++) yield text.slice(i * 1000, (i + 1) * 1000);
          await Promise.resolve();
        })(),
      };
    },
  );
}

const LINKS: Record<string, LinkOptions> = {
  "that loses": { delay: 5, loss: 0.1 },
  "that reorders, doubles and spoils": {
    delay: 1,
    jitter: 3,
    reorder: 0.1,
    duplicate: 0.1,
    corrupt: 0.03,
  },
  "that loses in bursts": { delay: 20, burst: { enter: 0.02, leave: 0.3 } },
};

for (const [name, link] of Object.entries(LINKS)) {
  Deno.test(`all is answered, and rightly, over a network ${name}`, async () => {
    for (const seed of [1, 2, 3]) {
      const at = world(seed, link);
      const { network, client } = at;
      const server = serve(at);
      const http = new HttpClient({ libos: client, maxConnections: 4 });
      await network.run(async () => {
        const asked = Array.from({ length: 20 }, async (_, i) => {
          const body = `${i} `.repeat(1 + i * 300);
          const path = i % 3 === 0 ? "/stream" : `/${i}`;
          const response = await http.post(URL_OF_SERVER + path, { body });
          const expected = i % 3 === 0 ? body.slice(0, 20_000) : `${path} ${body}`;
          assertEquals(await response.text(), expected);
        });
        await Promise.all(asked);
      });
      http[Symbol.dispose]();
      await network.run(() => server.shutdown());
      await network.close();
    }
  });
}

Deno.test("pipelined requests in pieces of any size are answered in order, over a network that loses", async () => {
  const at = world(7, { delay: 2, loss: 0.1 });
  const { network, client } = at;
  const server = serve(at);
  const requests = Array.from(
    { length: 50 },
    (_, i) =>
      `POST /${i} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  ).join("");
  await network.run(function* (): Coroutine {
    const connection = yield* connect({ libos: client, hostname: SERVER, port: 80 });
    for (let begin = 0, size = 1; begin < requests.length; begin += size, size = size * 2 % 997) {
      yield* connection.push(requests.slice(begin, begin + size));
    }
    connection.closeWrite();
    let heard = "";
    for (let sga; (sga = yield* connection.pop()) !== null; sga.free()) {
      heard += new TextDecoder().decode(sga.toUint8Array());
    }
    assertEquals(
      parse(heard).map(({ body }) => body),
      Array.from(Array(50), (_, i) => `/${i} abc`),
    );
    connection.close();
  });
  await network.run(() => server.shutdown());
  await network.close();
});

Deno.test("a client that vanishes in the midst of a body is let go of, and others are served", async () => {
  const at = world(4, { delay: 1 });
  const { network, server: host, client } = at;
  const errors: unknown[] = [];
  let ended = 0;
  const server = serveHttp({
    libos: host,
    hostname: SERVER,
    port: 80,
    tier: "fast",
    onError: (error) => errors.push(error),
  }, async (request) => {
    try {
      return await request.text();
    } finally {
      ended++;
    }
  });
  const vanishing = network.host({ name: "vanishing", addresses: ["10.0.0.3/24"] });
  const http = new HttpClient({ libos: client });
  await network.run(async () => {
    const connection = await connect({ libos: vanishing, hostname: SERVER, port: 80 });
    await connection.push("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    await client.operations.sleep(10);
    connection.reset();
    await client.operations.sleep(10);
    assertEquals(await (await http.post(URL_OF_SERVER, { body: "whole" })).text(), "whole");
    assertEquals(ended, 2);
  });
  assertEquals(errors, []);
  http[Symbol.dispose]();
  await network.run(() => server.shutdown());
  await network.close();
});

Deno.test("a server that vanishes is an error for the client, and one that comes back is found", async () => {
  const at = world(5, { delay: 1 });
  const { network, server: host, client } = at;
  serve(at);
  const http = new HttpClient({ libos: client });
  const ask = async () => await (await http.get(`${URL_OF_SERVER}/a`, { timeout: 5000 })).text();
  await network.run(async () => {
    assertEquals(await ask(), "/a ");
    await host.crash();
    await assertRejects(ask, Error);
    const again = network.host({ name: "server", addresses: [`${SERVER}/24`] });
    const server = serve({ ...at, server: again });
    assertEquals(await ask(), "/a ");
    http[Symbol.dispose]();
    await server.shutdown();
  });
  assert(network.now > 0);
  await network.close();
});
