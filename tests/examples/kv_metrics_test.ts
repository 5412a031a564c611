/**
 * The store's page for Prometheus, beside its clients.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { HOSTNAME, Program } from "./_program.ts";

/** A line of the text format, version 0.0.4. */
const LINE =
  /^(?:# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ (?:counter|gauge))|[a-z_]+(?:\{db="db\d+"\})? [\d.e+]+)$/;

function freePort(): number {
  using listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test("kv --metrics serves what it counts in Prometheus' text format, beside its clients", async () => {
  const port = freePort();
  const args = ["--metrics", `${port}`];
  await using program = await Program.start("kv", args, { permissions: ["--allow-ffi"] });
  using client = await Deno.connect({ hostname: HOSTNAME, port: program.port });
  const told = async () => {
    const response = await fetch(`http://${HOSTNAME}:${port}/metrics`);
    assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    for (const line of text.slice(0, -1).split("\n")) assertMatch(line, LINE);
    return (name: string) => {
      const line = text.split("\n").find((line) => line.startsWith(`${name} `));
      return Number(line?.split(" ")[1]);
    };
  };
  const before = await told();
  assertEquals([before("redis_connected_clients"), before('redis_db_keys{db="db0"}')], [1, 0]);
  await client.write(new TextEncoder().encode("SET a b\r\nGET a\r\nGET none\r\n"));
  let replies = "";
  while (!replies.endsWith("$1\r\nb\r\n$-1\r\n")) {
    const buffer = new Uint8Array(100);
    const length = await client.read(buffer);
    replies += new TextDecoder().decode(buffer.subarray(0, length!));
  }
  const after = await told();
  const grown = (name: string) => after(name) - before(name);
  assertEquals(grown("redis_commands_processed_total"), 3);
  assertEquals(grown('redis_db_keys{db="db0"}'), 1);
  assertEquals([grown("redis_keyspace_hits_total"), grown("redis_keyspace_misses_total")], [1, 1]);
  const other = await fetch(`http://${HOSTNAME}:${port}/`);
  assertEquals([other.status, await other.text()], [404, "The page is /metrics\n"]);
  assertEquals((await program.end("SIGINT")).code, 0);
});
