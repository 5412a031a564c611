/**
 * What the store takes of the memory of the machine, as a process of its own, while values are large, and afterwards.
 *
 * @module
 */
import { assertEquals, assertLess } from "@std/assert";
import { KvProcess } from "./kv_process.ts";
import { request } from "./kv_testing.ts";

const encoder = new TextEncoder();
const MEGABYTE = 2 ** 20;
/** What a server that holds nothing may have more than one that has just begun, in megabytes: compiled code, and so on. */
const SLACK = 64;
/** Freed memory is given back within seconds: it is looked at so often, in milliseconds and times. */
const PATIENCE = { interval: 100, times: 100 };

/** A connection whose requests and replies need not be in memory. */
class Client implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #buffer = new Uint8Array(MEGABYTE);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async connect({ port }: KvProcess): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends text, or so many zeros. */
  async send(...parts: (string | number)[]): Promise<void> {
    for (const part of parts) {
      const data = typeof part === "string" ? encoder.encode(part) : new Uint8Array(part);
      for (let sent = 0; sent < data.length;) {
        sent += await this.#connection.write(data.subarray(sent));
      }
    }
  }

  /** Reads so many bytes; gives how many there were before the end. */
  async read(length: number): Promise<number> {
    let got = 0;
    while (got < length) {
      const end = Math.min(this.#buffer.length, length - got);
      const size = await this.#connection.read(this.#buffer.subarray(0, end));
      if (size === null) break;
      got += size;
    }
    return got;
  }

  /** Sets a key to so many zeros. */
  async set(key: string, size: number): Promise<void> {
    await this.send(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${size}\r\n`, size, "\r\n");
    assertEquals(await this.read(5), 5);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** The length of the reply to GET for a value of this length. */
function replyLength(size: number): number {
  return `$${size}\r\n`.length + size + 2;
}

/** Waits until a server has at most so many megabytes; fails if it never has. */
async function assertMemory(server: KvProcess, most: number): Promise<void> {
  let memory = 0;
  for (let i = 0; i < PATIENCE.times; i++) {
    memory = await server.memory();
    if (memory <= most) return;
    await new Promise((resolve) => setTimeout(resolve, PATIENCE.interval));
  }
  assertLess(memory, most);
}

Deno.test("kv.ts sends a reply of more than a gigabyte, and takes no memory for it", async () => {
  await using server = await KvProcess.start();
  using client = await Client.connect(server);
  const [size, count] = [64 * MEGABYTE, 17];
  await client.set("b", size);
  const before = await server.memory("VmHWM");
  await client.send(request("MGET", ...Array(count).fill("b")));
  const length = `*${count}\r\n`.length + count * replyLength(size);
  assertEquals(await client.read(length), length);
  // Small ones of which each is copied are no different.
  await client.set("s", 40_000);
  await client.send(request("MGET", ...Array(5000).fill("s")), request("PING"));
  const rest = "*5000\r\n".length + 5000 * replyLength(40_000) + "+PONG\r\n".length;
  assertEquals(await client.read(rest), rest);
  assertLess(await server.memory("VmHWM"), before + SLACK);
});

Deno.test("kv.ts gives the memory of values back when they are gone", async () => {
  await using server = await KvProcess.start();
  using client = await Client.connect(server);
  const start = await server.memory();
  const size = 200 * MEGABYTE;
  await client.set("b", size);
  await client.send(request("GET", "b"), request("DEL", "b"));
  assertEquals(await client.read(replyLength(size) + 4), replyLength(size) + 4);
  await assertMemory(server, start + SLACK);

  for (const [count, size] of [[100_000, 1000], [1000, 100_000]] as const) {
    const value = "x".repeat(size);
    for (let i = 0; i < count; i += 1000) {
      const requests = Array.from({ length: 1000 }, (_, j) => request("SET", i + j, value));
      await client.send(requests.join(""));
      assertEquals(await client.read(5000), 5000);
    }
    await client.send(Array.from({ length: count }, (_, i) => request("DEL", i)).join(""));
    assertEquals(await client.read(4 * count), 4 * count);
    await assertMemory(server, start + SLACK);
  }
});

Deno.test("kv.ts holds no more than the old value and the new one when it is overwritten", async () => {
  await using server = await KvProcess.start();
  using client = await Client.connect(server);
  const start = await server.memory();
  for (let i = 0; i < 8; i++) await client.set("b", 50 * MEGABYTE);
  assertLess(await server.memory("VmHWM"), start + 100 + SLACK);
});

Deno.test("kv.ts frees what a connection held when it ends, however it ends", async () => {
  // It says which connection it closed.
  await using server = await KvProcess.start();
  const start = await server.memory();
  const size = 100 * MEGABYTE;
  using other = await Client.connect(server);
  {
    using client = await Client.connect(server);
    await client.send(`*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$${size}\r\n`, size - 1);
  }
  await assertMemory(server, start + SLACK);
  {
    using client = await Client.connect(server);
    await client.send(`*3\r\n$${size}\r\n`, size, "\r\n?\r\n");
    const error = "-ERR Protocol error: expected '$', got '?'\r\n".length;
    assertEquals(await client.read(error + 1), error);
  }
  await assertMemory(server, start + SLACK);
  {
    using client = await Client.connect(server);
    const largest = 2 ** 29;
    await client.send(`*3\r\n$${largest}\r\n`, largest, `\r\n$${largest}\r\n`);
    // Two of them are more than a request may take.
    assertEquals(await client.read(1), 0);
  }
  await assertMemory(server, start + SLACK);
  for (const last of [request("QUIT"), "?'\r\n", ""]) {
    using client = await Client.connect(server);
    await other.set("b", size);
    await client.send(request("GET", "b").repeat(3) + last);
    assertEquals(await client.read(1), 1);
    await other.send(request("DEL", "b"));
    assertEquals(await other.read(4), 4);
  }
  await assertMemory(server, start + SLACK);
});
