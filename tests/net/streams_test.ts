import { assertEquals, assertRejects } from "@std/assert";
import { connect, type Connection, type LibOS, open, serve } from "../../mod.ts";
import { pause, within } from "../runtime/_assert.ts";
import { assertWaits, CHUNK } from "./_download.ts";
import { bytes, countToEnd, LOOPBACK, makePair, netTest, text } from "./_net.ts";

netTest("Connection.readable gives what arrives until the end, as text too", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  assertEquals(server.readable, server.readable);
  await client.push(bytes("€".repeat(3)));
  client.closeWrite();
  const texts = await Array.fromAsync(server.readable.pipeThrough(new TextDecoderStream()));
  assertEquals(texts.join(""), "€€€");
  assertEquals(server.open, true);
});

netTest("Connection.readable fills the memory of a reader that brings it", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = server.readable.getReader({ mode: "byob" });
  await client.push(bytes("abcdef"));
  const { value } = await reader.read(new Uint8Array(new ArrayBuffer(16), 3, 4));
  assertEquals([value!.byteOffset, value!.buffer.byteLength], [3, 16]);
  assertEquals(new TextDecoder().decode(value), "abcd");
  const rest = reader.read(new Uint8Array(3), { min: 3 });
  await client.push(bytes("g"));
  assertEquals(new TextDecoder().decode((await rest).value), "efg");
  client.closeWrite();
  assertEquals((await reader.read(new Uint8Array(1))).done, true);
});

netTest("Connection.readable survives another reader than the one it popped for", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const first = server.readable.getReader();
  const pending = assertRejects(async () => await first.read(), TypeError);
  await pause(1);
  first.releaseLock();
  await pending;
  const second = server.readable.getReader({ mode: "byob" });
  const small = second.read(new Uint8Array(2));
  await client.push(bytes("abcde"));
  assertEquals(new TextDecoder().decode((await within(small)).value), "ab");
  const { value } = await within(second.read(new Uint8Array(8)));
  assertEquals(new TextDecoder().decode(value), "cde");
});

netTest("Connection.readable pops nothing that was not asked for", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  await client.push(bytes("mine"));
  const { readable } = server;
  await pause(5);
  assertEquals(readable.locked, false);
  assertEquals(text(await server.pop()), "mine");
});

netTest("Connection.writable closes one direction, and the other goes on", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const writer = client.writable.getWriter();
  await writer.write(bytes("request"));
  await writer.close();
  assertEquals(await new Response(server.readable).text(), "request");
  await server.push(bytes("answer"));
  server.closeWrite();
  assertEquals(client.open, true);
  assertEquals(await new Response(client.readable).text(), "answer");
  assertEquals([client.open, server.open], [false, true]);
});

netTest("Connection's streams echo by pipeTo(), and close it when both are over", async (libos) => {
  const closed: Connection[] = [];
  await using server = serve({ libos, ...LOOPBACK }, async (connection) => {
    await connection.readable.pipeTo(connection.writable);
    if (!connection.open) closed.push(connection);
  });
  const plain = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  const sent = new Uint8Array(3_000_000).map((_, i) => i % 251);
  const received = new Response(plain.readable).bytes();
  for (let at = 0; at < sent.length;) at += await plain.write(sent.subarray(at));
  await plain.closeWrite();
  assertEquals(await within(received, 10), sent);
  assertEquals(closed.length, 1);
});

netTest(
  "Connection.readable.cancel() ends a pop that waits, and leaves the write side",
  async (libos) => {
    using owned = new DisposableStack();
    const [client, server] = await makePair(libos, owned);
    const reader = server.readable.getReader();
    const waiting = reader.read();
    await pause(1);
    await reader.cancel("enough");
    assertEquals((await within(waiting)).done, true);
    assertEquals(libos.statistics().pending, 0);
    await server.push(bytes("still"));
    assertEquals(text(await client.pop()), "still");
    await server.writable.close();
    assertEquals(server.open, false);
    assertEquals(await client.pop(), null);
  },
);

netTest("Connection.writable.abort() resets it, though a push waits", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const writer = client.writable.getWriter();
  const writing = assertRejects(
    async () => await writer.write(new Uint8Array(64 * 1024 * 1024)),
    Deno.errors.Interrupted,
  );
  const closed = assertRejects(async () => await writer.closed, Error, "enough");
  await pause(5);
  await within(writer.abort(new Error("enough")));
  await within(writing);
  await within(closed);
  assertEquals(client.open, false);
  await assertRejects(() => countToEnd(server), Deno.errors.ConnectionReset);
});

netTest("Connection's streams fail with the errors of the connection", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const reader = server.readable.getReader();
  const writer = server.writable.getWriter();
  const closed = assertRejects(() => writer.closed, Deno.errors.ConnectionReset);
  libos.setsockopt(client.qd, "linger", 0);
  client.close();
  await assertRejects(() => reader.read(), Deno.errors.ConnectionReset);
  assertEquals(server.open, true);
  await assertRejects(() => writer.write(bytes("x")), Deno.errors.ConnectionReset);
  await closed;
  assertEquals(server.open, false);
});

netTest("Connection.close() ends its streams", async (libos) => {
  using owned = new DisposableStack();
  const [, server] = await makePair(libos, owned);
  const reading = assertRejects(() => server.readable.getReader().read(), Deno.errors.Interrupted);
  const writer = server.writable.getWriter();
  const closed = assertRejects(() => writer.closed, Deno.errors.BadResource);
  await pause(1);
  server.close();
  await within(reading);
  await assertRejects(() => writer.write(bytes("x")), Deno.errors.BadResource);
  await closed;
});

Deno.test("Connection's streams end when their libOS is closed", async () => {
  const libos = open({ libos: "catnap", debug: true });
  const [client, server] = await makePair(libos);
  const piped = assertRejects(
    () => server.readable.pipeTo(server.writable),
    Deno.errors.Interrupted,
  );
  const reading = assertRejects(
    () => client.readable.getReader().read(),
    Deno.errors.Interrupted,
  );
  await pause(1);
  await libos.exit();
  await within(piped);
  await within(reading);
  await client.writable.close();
  assertEquals([client.open, server.open], [false, false]);
});

netTest("Connection's streams wait for a reader that stopped, and hold little", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const writer = server.writable.getWriter();
  const reader = client.readable.getReader({ mode: "byob" });
  let memory = new Uint8Array(CHUNK);
  await assertWaits(libos, {
    write: (chunk) => writer.write(chunk),
    end: () => writer.close(),
    async read() {
      const { done, value } = await reader.read(memory);
      if (done) return null;
      memory = new Uint8Array(value.buffer);
      return value.length;
    },
  });
}, { debug: false });

netTest("Connection's streams leave nothing behind in 1 000 connections", async (libos) => {
  await using server = serve(
    { libos, ...LOOPBACK },
    (connection) => connection.readable.pipeTo(connection.writable),
  );
  for (let i = 0; i < 1000; i++) await oneTalk(libos, server.addr.port);
  while (server.connections > 0) await pause(1);
  const { queues, pending, buffers } = libos.statistics();
  assertEquals([queues, pending, buffers], [1, 1, 0]);
});

async function oneTalk(libos: LibOS, port: number): Promise<void> {
  const connection = await connect({ libos, port });
  const writer = connection.writable.getWriter();
  await writer.write(bytes("x"));
  await writer.close();
  assertEquals(await new Response(connection.readable).text(), "x");
  assertEquals(connection.open, false);
}
