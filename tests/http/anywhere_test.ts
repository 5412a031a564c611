/**
 * The same over other libOSes: Deno's own sockets, our own stack on memif and on devices of Linux with our client at the other
 * end, RDMA's, and the native catloop.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { HttpClient, serveHttp } from "../../libos/http/mod.ts";
import { upgradeWebSocket } from "../../libos/http/websocket.ts";
import { type LibOS, open } from "../../mod.ts";
import { createConnection } from "../../libos/node/mod.ts";
import { WebSocket as NodeWebSocket } from "npm:ws@8.23.0";
import {
  KINDS,
  missingForLinks,
  openAt,
  OURS,
  PairLink,
  prefixed,
  THEIRS,
} from "../_network/link.ts";
import { missingUcx, needing } from "../_needs.ts";
import { runChildren, testScenarios } from "../demikernel/_scenarios.ts";
import { event } from "../node/_node.ts";

/** Both tiers between two libOSes: pipelined requests by the pool, bodies both ways, streams, and a WebSocket. */
async function exchangeOver(server: LibOS, client: LibOS, hostname: string): Promise<void> {
  const where = { libos: server, hostname, port: 0 };
  const fast = serveHttp({ ...where, tier: "fast" }, function* (request) {
    const text = yield* request.text({ limit: Infinity });
    return `${request.method} ${request.path} ${text.length}`;
  });
  const web = serveHttp(where, (request) => {
    if (request.headers.get("upgrade") === null) return new Response(request.body);
    const { socket, response } = upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });
  const http = new HttpClient({ libos: client, maxConnections: 4 });
  const url = (at: typeof fast) => `http://${hostname}:${at.addr.port}/a`;
  const asked = Array.from({ length: 20 }, async () => (await http.get(url(fast))).text());
  assertEquals(await Promise.all(asked), asked.map(() => "GET /a 0"));
  const large = "x".repeat(300_000);
  assertEquals(await (await http.post(url(fast), { body: large })).text(), "POST /a 300000");
  assertEquals(await (await http.post(url(web), { body: large })).text(), large);
  const socket = new NodeWebSocket(`ws://${hostname}/`, {
    createConnection: () =>
      createConnection({ libos: client, host: hostname, port: web.addr.port }),
  } as never);
  await event(socket, "open");
  const echoes: string[] = [];
  const heard = new Promise<void>((resolve) =>
    socket.on("message", (data: unknown) => echoes.push(`${data}`) === 500 && resolve())
  );
  const said = Array.from({ length: 500 }, (_, i) => `${i} ${"y".repeat(i * 37 % 3000)}`);
  for (const one of said) socket.send(one);
  await heard;
  assertEquals(echoes, said);
  socket.close();
  await event(socket, "close");
  http[Symbol.dispose]();
  await Promise.all([fast.shutdown(), web.shutdown()]);
}

for (const libos of ["catnap", "deno:catnap"] as const) {
  Deno.test(`HTTP over ${libos}`, async () => {
    await using one = open({ libos });
    await exchangeOver(one, one, "127.0.0.1");
  });
}

Deno.test({
  name: "HTTP over catnip, on memif",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const device = `memif:@http-test-${Deno.pid}` as const;
    await using server = open({
      libos: "catnip",
      device: `${device},role=server`,
      addresses: prefixed(OURS),
    });
    await using client = open({ libos: "catnip", device, addresses: prefixed(THEIRS) });
    await exchangeOver(server, client, OURS.inet);
  },
});

for (const kind of KINDS) {
  Deno.test(needing(missingForLinks(), `HTTP over catpowder, on ${kind}`), async () => {
    using link = new PairLink(kind);
    await using server = openAt(link.ports[0], OURS);
    await using client = openAt(link.ports[1], THEIRS);
    await exchangeOver(server, client, OURS.inet);
  });
}

Deno.test({
  ...needing(missingUcx(), "HTTP over catmint"),
  async fn() {
    await using libos = open({ libos: "catmint" });
    await exchangeOver(libos, libos, "127.0.0.1");
  },
});

testScenarios(import.meta, "catloop", {
  "HTTP over catloop": (libos) => exchangeOver(libos, libos, "127.0.0.1"),
});

await runChildren();
