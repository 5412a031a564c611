/**
 * The example as a user runs it: over a real network, under the tools of Redis.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { missingProgram, missingRedis, needing } from "../_needs.ts";
import { KvProcess, runTool } from "./kv_process.ts";
import { HOSTNAME } from "./_program.ts";
import { bytes, RedisServer, request } from "./kv_testing.ts";

const missingClient = missingProgram("redis-cli");

/** What a person might type, with mistakes. */
const session = `
PING
SET greeting "hello world" EX 1000
GET greeting
TTL greeting
SET greeting other NX
SET greeting other XX GET
INCR visits
INCRBY visits 41
INCR greeting
APPEND greeting !
STRLEN greeting
MSET a 1 b 2 c 3
MGET a b nothing c
EXISTS a b nothing
DEL a b
EXPIRE c 1000
PERSIST c
TTL c
TYPE c
KEYS visits
SCAN 0 MATCH v* COUNT 1000
DBSIZE
SELECT 3
DBSIZE
SELECT 99
CONFIG GET databases
CLIENT SETNAME someone
CLIENT GETNAME
ECHO "caf\\xc3\\xa9 \\x00"
SET a
SET a b EX nonsense
EXPIRE a nonsense
NONSENSE a b
FLUSHALL
SELECT 0
DBSIZE
`.trimStart();

Deno.test({
  ...needing(missingClient ?? missingRedis(), "kv.ts answers a session in redis-cli as Redis does"),
  async fn() {
    await using redis = await RedisServer.start();
    await using ours = await KvProcess.start();
    for (const options of [[], ["-3"], ["--csv"]]) {
      const [actual, expected] = await Promise.all(
        [[HOSTNAME, ours.port], ["127.0.0.1", redis.port]].map(([host, port]) =>
          runTool("redis-cli", ["-h", `${host}`, "-p", `${port}`, ...options], session)
        ),
      );
      assertEquals(actual, expected, options.join());
    }
  },
});

Deno.test({
  ...needing(missingClient, "kv.ts serves redis-cli when it scans, pipes and asks for statistics"),
  async fn() {
    await using server = await KvProcess.start();
    const port = ["-h", HOSTNAME, "-p", String(server.port)];
    const mass = Array.from({ length: 5000 }, (_, i) => request("SET", `key:${i}`, i)).join("");
    assertMatch(await runTool("redis-cli", [...port, "--pipe"], mass), /errors: 0, replies: 5000/);
    const scanned = await runTool("redis-cli", [...port, "--scan", "--pattern", "key:*"]);
    assertEquals(new Set(scanned.trim().split("\n")).size, 5000);
    assertMatch(
      await runTool("redis-cli", [...port, "--bigkeys"]),
      /5000 strings with 18890 bytes/,
    );
    assertMatch(await runTool("redis-cli", [...port, "INFO"]), /db0:keys=5000,expires=0/);
  },
});

Deno.test({
  ...needing(missingProgram("redis-benchmark"), "kv.ts serves redis-benchmark"),
  async fn() {
    await using server = await KvProcess.start();
    const port = ["-h", HOSTNAME, "-p", String(server.port), "--csv"];
    for (
      const options of [
        ["-n", "5000"],
        ["-n", "20000", "-P", "16", "-r", "1000"],
        ["-n", "2000", "-c", "200", "-P", "100"],
        ["-n", "50", "-c", "5", "-d", "1000000"],
      ]
    ) {
      const output = await runTool("redis-benchmark", [
        ...port,
        ...["-t", "ping,set,get,incr,mset"],
        ...options,
      ]);
      const names = output.trim().split("\n").slice(1).map((line) => line.split('"')[1]);
      assertEquals(
        names,
        ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"],
        output,
      );
    }
  },
});

Deno.test("kv.ts replies to all of ten thousand commands when they come at once", async () => {
  await using server = await KvProcess.start();
  using client = await server.connect();
  const input = Array.from({ length: 10_000 }, (_, i) => request("SET", i, i) + request("GET", i));
  const expected = Array.from({ length: 10_000 }, (_, i) => `+OK\r\n$${`${i}`.length}\r\n${i}\r\n`);
  assertEquals(await client.call(input.join("")), expected.join(""));
});

Deno.test("kv.ts keeps a value of many megabytes, byte for byte", async () => {
  await using server = await KvProcess.start();
  using client = await server.connect();
  const value = Array.from({ length: 4096 }, (_, i) => String.fromCharCode((i * 7) & 255)).join("")
    .repeat(2000);
  assertEquals(await client.call(request("SET", "k", value)), "+OK\r\n");
  assertEquals(await client.call(request("GET", "k")), `$${value.length}\r\n${value}\r\n`);
});

Deno.test("kv.ts serves others when a client does not read its replies", async () => {
  await using server = await KvProcess.start();
  using client = await server.connect();
  await client.call(request("SET", "k", "x".repeat(1_000_000)));
  const idle = await Deno.connect({ hostname: HOSTNAME, port: server.port });
  // A gigabyte of replies, of which none is read.
  await idle.write(bytes(request("GET", "k").repeat(1000)));
  for (let i = 0; i < 20; i++) assertEquals(await client.call(request("PING")), "+PONG\r\n");
  const memory = await client.call(request("INFO", "memory"));
  assertEquals(Number(/used_memory_rss:(\d+)/.exec(memory)![1]) < 300_000_000, true, memory);
  idle.close();
  assertEquals(await client.call(request("PING")), "+PONG\r\n");
});

Deno.test("kv.ts forgets a client when it leaves in the middle of a command", async () => {
  await using server = await KvProcess.start();
  using client = await server.connect();
  for (
    const part of ["*", "*3\r\n$3\r\nSET", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$900000\r\nxxx", "PIN"]
  ) {
    const other = await Deno.connect({ hostname: HOSTNAME, port: server.port });
    await other.write(bytes(part));
    other.close();
  }
  // The reply to the last command is the proof that those before it, closed earlier, are gone.
  while (
    (await client.call(request("INFO", "clients"))).includes("connected_clients:1\r\n") === false
  );
  assertEquals(await client.call(request("EXISTS", "k")), ":0\r\n");
});

Deno.test("kv.ts closes the connection when a client breaks the protocol, and says why", async () => {
  await using server = await KvProcess.start();
  using client = await server.connect();
  assertEquals(
    await client.call("PING\r\n*1\r\n:1\r\n" + request("PING")),
    "+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n",
  );
});

Deno.test("kv.ts closes the connection when a client quits", async () => {
  await using server = await KvProcess.start();
  using client = await server.connect();
  assertEquals(await client.call(request("QUIT") + request("PING")), "+OK\r\n");
});

Deno.test("kv.ts closes the connection of a client that another kills", async () => {
  await using server = await KvProcess.start();
  using client = await server.connect();
  using other = await server.connect();
  const id = (await other.call(request("CLIENT", "ID"))).slice(1).trim();
  assertEquals(await client.call(request("CLIENT", "KILL", "ID", id)), ":1\r\n");
  assertEquals(await other.callAndEnd(bytes(request("PING"))), "");
  assertEquals(await client.call(request("PING")), "+PONG\r\n");
});

Deno.test("kv.ts ends with code 0 when it is interrupted, though clients are connected", async () => {
  const server = await KvProcess.start();
  using client = await server.connect();
  assertEquals(await client.call(request("PING")), "+PONG\r\n");
  assertEquals(await server.interrupt(), 0);
});

Deno.test("kv.ts ends when it is interrupted, though a client does not read its replies", async () => {
  const server = await KvProcess.start();
  using client = await server.connect();
  await client.call(request("SET", "k", "x".repeat(1_000_000)));
  using idle = await Deno.connect({ hostname: HOSTNAME, port: server.port });
  await idle.write(bytes(request("GET", "k").repeat(100)));
  await client.call(request("PING"));
  assertEquals(await server.interrupt(), 0);
});
