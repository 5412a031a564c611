/**
 * Many clients that are slow, each in its way: others are served meanwhile, what they cost is bounded by the limits, and all are
 * gone when their time is over. `slow_clients.ts [COUNT]`, 10 000 by default; with some hundred it is a test.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { serveHttp } from "../../libos/http/mod.ts";
import { open } from "../../mod.ts";
import { held, LOOPBACK } from "../net/_net.ts";
import { statuses } from "./_http.ts";
import { program } from "./_load.ts";

/** Milliseconds that each of the limits gives ten thousand of them. */
const TIMEOUT = 5000;
const MAX_HEADER = 8192;
const LARGE = new Uint8Array(60_000);
/** What a connection may hold: a head, one popped sga, and one push, which has a batch of answers and one more. */
const MOST_HELD = MAX_HEADER + 4096 + 65_536 + LARGE.length;

/** Serves so many slow clients, and one that is not; each of the limits gives them so many milliseconds. */
export async function serveSlowClients(count: number, timeout: number): Promise<void> {
  const libos = open("catnap");
  const before = held(libos);
  const server = serveHttp(
    {
      libos,
      ...LOOPBACK,
      tier: "fast",
      maxHeaderSize: MAX_HEADER,
      headerTimeout: timeout,
      bodyTimeout: timeout,
      idleTimeout: timeout,
    },
    async (request) => request.path === "/large" ? LARGE : await request.text(),
  );
  const { port } = server.addr;
  const args = ["run", "--no-check", "--allow-net", program("_slow_clients.ts")];
  const clients = new Deno.Command(Deno.execPath(), {
    args: [...args, LOOPBACK.hostname, `${port}`, `${count}`],
    stdout: "piped",
  }).spawn();
  const output = clients.stdout.pipeThrough(new TextDecoderStream());
  let most = 0;
  let heard = "";
  const asking = (async () => {
    while (!heard.includes("closed")) {
      most = Math.max(most, libos.statistics().bufferBytes);
      assertEquals(await statuses(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), [200]);
      await libos.operations.sleep(20);
    }
  })();
  for await (const part of output) {
    heard += part;
    if (part.includes("open")) assert(server.connections > count / 2, `${server.connections}`);
  }
  await asking;
  assertEquals([(await clients.status).code, heard], [0, "open\nclosed\n"]);
  while (server.connections > 0) await libos.operations.sleep(10);
  assert(most > 0 && most < count * MOST_HELD, `${most} bytes were held`);
  await server.shutdown();
  assertEquals(held(libos), before);
  await libos.exit();
}

if (import.meta.main) {
  const count = Number(Deno.args[0] ?? 10_000);
  const before = Deno.memoryUsage().rss;
  await serveSlowClients(count, TIMEOUT);
  const more = Deno.memoryUsage().rss - before;
  console.log(`${count} slow clients: ${Math.round(more / 2 ** 20)} MB more than before`);
}
