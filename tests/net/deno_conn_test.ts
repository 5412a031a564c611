import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  DenoConn,
  DenoListener,
  type InetAddress,
  type LibOS,
  listen,
  type UnixAddress,
} from "../../mod.ts";
import { pause, within } from "../runtime/_assert.ts";
import { assertWaits, CHUNK } from "./_download.ts";
import { bytes, countToEnd, held, LOOPBACK, makePair, netTest } from "./_net.ts";

/** Two ends of one connection, as Deno has them. */
async function makeConns(libos: LibOS, owner: DisposableStack): Promise<[DenoConn, DenoConn]> {
  const [client, server] = await makePair(libos, owner);
  return [new DenoConn(client), new DenoConn(server)];
}

// Code as people have it, which knows Deno's types alone.

/** What can be read from as from a `Deno.Conn`. */
type Readable = Pick<Deno.Conn, "read">;

/** The lines of what is read, by a small buffer. */
async function* readLines(reader: Readable, size = 5): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(size);
  let rest = "";
  for (let length; (length = await reader.read(buffer)) !== null;) {
    const lines = (rest + decoder.decode(buffer.subarray(0, length), { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Writes all bytes, by as many writes as that takes. */
async function writeAll(writer: Pick<Deno.Conn, "write">, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length;) at += await writer.write(data.subarray(at));
}

/** A server of HTTP/1.0 that tells what it was asked for. */
async function serveHttp(listener: Deno.Listener): Promise<void> {
  for await (const conn of listener) {
    const [request] = (await readLines(conn).next()).value!.split("\r");
    const body = `${request} from ${(conn.remoteAddr as Deno.NetAddr).transport}`;
    const head = `HTTP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
    await writeAll(conn, bytes(head + body));
    await conn.closeWrite();
    conn.close();
  }
}

/** Asks such a server. */
async function get(conn: Deno.TcpConn, path: string): Promise<string> {
  using owned = conn;
  owned.setNoDelay();
  owned.setKeepAlive(true);
  await writeAll(owned, bytes(`GET ${path} HTTP/1.0\n`));
  const lines = await Array.fromAsync(readLines(owned, 64));
  return lines.at(-1)!;
}

netTest("DenoConn and DenoListener run code that was written for Deno's", async (libos) => {
  const listener: Deno.TcpListener = new DenoListener(listen({ libos, ...LOOPBACK }));
  const served = serveHttp(listener);
  const { port } = listener.addr;
  assertEquals(
    await get(new DenoConn(await connect({ libos, port })), "/ours"),
    "GET /ours HTTP/1.0 from tcp",
  );
  const deno = await Deno.connect({ hostname: "127.0.0.1", port });
  assertEquals(await get(deno, "/theirs"), "GET /theirs HTTP/1.0 from tcp");
  const answer = await fetch(`http://127.0.0.1:${port}/fetched`).then((one) => one.text());
  assertEquals(answer, "GET /fetched HTTP/1.1 from tcp");
  listener.close();
  await within(served);
});

netTest("DenoConn has addresses with their transport", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makeConns(libos, owned);
  const { hostname, port } = client.connection.localAddr as InetAddress;
  const expected: Deno.NetAddr = { transport: "tcp", hostname, port };
  assertEquals([client.localAddr, server.remoteAddr], [expected, expected]);
  const path = `\0demikernel-deno-conn-${crypto.randomUUID()}`;
  using listener = new DenoListener(listen({ libos, path }));
  const addr: Deno.UnixAddr = listener.addr;
  assertEquals(addr, { transport: "unix", path });
  using unix = new DenoConn<UnixAddress>(await connect({ libos, path }));
  using accepted: Deno.UnixConn = await listener.accept();
  assertEquals([unix.remoteAddr, accepted.localAddr], [addr, addr]);
  // There is no such option, as little as there is for a Deno.UnixConn.
  unix.setKeepAlive();
});

netTest("DenoConn.read() gives what there is, and null at the end", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makeConns(libos, owned);
  assertEquals(await client.write(bytes("abcdef")), 6);
  assertEquals(await client.write(new Uint8Array(0)), 0);
  const memory = new Uint8Array(8);
  assertEquals(await server.read(memory.subarray(1, 1)), 0);
  assertEquals(await server.read(memory.subarray(1, 5)), 4);
  assertEquals(await server.read(memory.subarray(5)), 2);
  assertEquals(memory, new Uint8Array([0, ...bytes("abcdef"), 0]));
  await client.closeWrite();
  assertEquals([await server.read(memory), await server.read(memory)], [null, null]);
  assertEquals(await server.write(bytes("x")), 1);
  assertEquals(await client.read(memory), 1);
});

netTest("DenoConn fails as Deno's does", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makeConns(libos, owned);
  const memory = new Uint8Array(1);
  const reading = assertRejects(() => client.read(memory), Deno.errors.Interrupted);
  await pause(1);
  client.close();
  await within(reading);
  for (const call of [client.read(memory), client.write(memory), client.closeWrite()]) {
    await assertRejects(() => call, Deno.errors.BadResource);
  }
  assertThrows(() => client.close(), Deno.errors.BadResource);
  client.ref();
  client.unref();
  client[Symbol.dispose]();
  assertEquals(await server.read(memory), null);
});

netTest("DenoListener ends as Deno's does", async (libos) => {
  const listener = new DenoListener(listen({ libos, ...LOOPBACK }));
  const next = listener[Symbol.asyncIterator]().next();
  const accepting = assertRejects(() => listener.accept(), Deno.errors.Interrupted);
  await pause(1);
  listener.close();
  assertEquals((await within(next)).done, true);
  await within(accepting);
  await assertRejects(() => listener.accept(), Deno.errors.BadResource);
  assertThrows(() => listener.close(), Deno.errors.BadResource);
  listener.ref();
  listener.unref();
  listener[Symbol.dispose]();
  const other = new DenoListener(listen({ libos, ...LOOPBACK }));
  using client = new DenoConn(await connect({ libos, port: other.addr.port }));
  for await (using _conn of other) break;
  assertThrows(() => other.close(), Deno.errors.BadResource);
  assertEquals(await client.read(new Uint8Array(1)), null);
});

netTest("DenoConn's streams are cancelled and aborted by themselves", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makeConns(libos, owned);
  await server.readable.cancel();
  await server.write(bytes("x"));
  assertEquals(await client.read(new Uint8Array(2)), 1);
  await server.writable.abort();
  assertEquals(server.connection.open, false);
  await assertRejects(() => countToEnd(client.connection), Deno.errors.ConnectionReset);
});

netTest("DenoConn waits for a reader that stopped, and holds little", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makeConns(libos, owned);
  const memory = new Uint8Array(CHUNK);
  await assertWaits(libos, {
    write: (chunk) => server.write(chunk),
    end: () => server.closeWrite(),
    read: () => client.read(memory),
  });
}, { debug: false });

netTest("DenoConn leaves nothing behind in 1 000 connections", async (libos) => {
  using listener = new DenoListener(listen({ libos, ...LOOPBACK }));
  const before = held(libos);
  const memory = new Uint8Array(1);
  for (let i = 0; i < 1000; i++) {
    using client = new DenoConn(await connect({ libos, port: listener.addr.port }));
    using server = await listener.accept();
    await client.write(memory);
    assertEquals(await server.read(memory), 1);
  }
  assertEquals(held(libos), before);
});
