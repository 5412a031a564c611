/**
 * Reader, messages, streams and Deno's shapes over the native catloop: they know nothing of catnap.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import {
  connect,
  type Connection,
  DenoConn,
  DenoListener,
  type Handler,
  type LibOS,
  listen,
  Messages,
  Reader,
  serve,
} from "../../mod.ts";
import { pattern } from "./_sockets.ts";
import { runChildren, testScenarios } from "./_scenarios.ts";

/** Serves one client. */
async function talk(
  libos: LibOS,
  handler: Handler,
  client: (connection: Connection) => Promise<void>,
): Promise<void> {
  const server = serve({ libos, hostname: "127.0.0.1", port: 0 }, handler);
  {
    using connection = await connect({ libos, port: server.addr.port });
    await client(connection);
  }
  await server.shutdown();
}

testScenarios(import.meta, "catloop", {
  async "Reader reads lines and bytes, in both kinds of coroutine"(libos) {
    await talk(libos, function* (connection) {
      using reader = new Reader(connection);
      const length = Number(yield* reader.line());
      const body = yield* reader.exactly(length);
      yield* connection.push(body!);
    }, async (connection) => {
      await connection.push(new TextEncoder().encode("100000\r\n"));
      const pushed = connection.push(pattern(100_000));
      using reader = new Reader(connection);
      using answer = await reader.exactly(100_000);
      assertEquals(answer?.toUint8Array(), pattern(100_000));
      await pushed;
      assertEquals(await reader.line(), null);
    });
  },

  async "Messages are whole, with header and body in segments of their own"(libos) {
    await talk(libos, function* (connection) {
      using messages = new Messages(connection, { header: "varint" });
      for (let sga; (sga = yield* messages.pop()) !== null;) yield* messages.push(sga);
    }, async (connection) => {
      using messages = new Messages(connection, { header: "varint" });
      for (const length of [0, 1, 200, 8192, 200_000]) {
        const pushed = messages.push(pattern(length));
        using sga = await messages.pop();
        assertEquals(sga?.toUint8Array(), pattern(length));
        await pushed;
      }
    });
  },

  async "streams pipe an echo, and close what is over"(libos) {
    const ended = Promise.withResolvers<boolean>();
    await talk(libos, async (connection) => {
      await connection.readable.pipeTo(connection.writable);
      ended.resolve(connection.open);
    }, async (connection) => {
      const writer = connection.writable.getWriter();
      const reader = connection.readable.getReader({ mode: "byob" });
      const written = writer.write(pattern(50_000));
      const { value } = await reader.read(new Uint8Array(50_000), { min: 50_000 });
      assertEquals(value, pattern(50_000));
      await written;
      await reader.cancel();
      await writer.close();
      assertEquals(connection.open, false);
      assertEquals(await ended.promise, false);
    });
  },

  async "DenoConn and DenoListener do what there is, and refuse a half close"(libos) {
    using listener = new DenoListener(listen({ libos, hostname: "127.0.0.1", port: 0 }));
    const connecting = connect({ libos, port: listener.addr.port });
    using server = await listener.accept();
    using client = new DenoConn(await connecting);
    client.setNoDelay();
    assertEquals(client.remoteAddr, listener.addr);
    await client.write(pattern(10));
    const memory = new Uint8Array(20);
    assertEquals(await server.read(memory), 10);
    await assertRejects(() => client.closeWrite(), Deno.errors.NotSupported);
    client.close();
    assertEquals(await server.read(memory), null);
  },
});

await runChildren();
