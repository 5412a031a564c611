/**
 * Servers that close connections on which nothing happens.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { connect, type Connection, DemikernelError, type LibOS, serve } from "../../mod.ts";
import { ECHOES, LOOPBACK, netTest, text } from "./_net.ts";

/** Serves with an idle timeout, for a client; fails if the server has an error to tell. */
async function served(
  libos: LibOS,
  idleTimeout: number,
  handler: (connection: Connection) => Generator | Promise<void>,
  test: (client: Connection) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = [];
  {
    const onError = (error: unknown) => void errors.push(error);
    await using server = serve({ libos, ...LOOPBACK, idleTimeout, onError }, handler as never);
    using client = await connect({ libos, port: server.addr.port });
    await test(client);
  }
  assertEquals(errors, []);
}

for (const [kind, echo] of Object.entries(ECHOES)) {
  netTest(`serve() closes an idle connection, and says nothing: ${kind}`, async (libos) => {
    await served(libos, 20, echo, async (client) => {
      await client.push("hi");
      assertEquals(text(await client.pop()), "hi");
      assertEquals(await client.pop(), null);
    });
  });
}

netTest("serve() closes a connection whose peer takes nothing", async (libos) => {
  const closed = Promise.withResolvers<void>();
  async function flood(connection: Connection) {
    try {
      for (;;) await connection.push(new Uint8Array(100_000));
    } finally {
      closed.resolve();
    }
  }
  await served(libos, 20, flood, () => closed.promise);
});

netTest("serve() says nothing of a push that an idle peer made fail", async (libos) => {
  const closed = Promise.withResolvers<void>();
  async function flood(connection: Connection) {
    while (connection.bufferedAmount === 0) void connection.push(new Uint8Array(100_000));
    for await (using _sga of connection);
    closed.resolve();
    // The handler did not see that it was closed.
    await connection.push("bye");
  }
  await served(libos, 20, flood, () => closed.promise);
});

netTest("serve() leaves a connection alone that is used, in either direction", async (libos) => {
  const ticks = 20;
  function* tick(connection: Connection) {
    const end = connection.pop();
    for (let i = 0; i < ticks; i++) {
      yield* libos.operations.sleep(20);
      yield* connection.push("x");
    }
    connection.closeWrite();
    yield* end;
  }
  await served(libos, 200, tick, async (client) => {
    let received = 0;
    for (let sga; (sga = await client.pop()) !== null; sga.free()) received += sga.length;
    assertEquals(received, ticks);
  });
});

netTest("serve() leaves a connection alone whose handler does something else", async (libos) => {
  function* busy(connection: Connection) {
    using _request = yield* connection.pop();
    yield* libos.operations.sleep(200);
    yield* connection.push("done");
  }
  await served(libos, 20, busy, async (client) => {
    await client.push("go");
    assertEquals(text(await client.pop()), "done");
  });
});

netTest("serve() refuses an idle timeout that is none", (libos) => {
  for (const idleTimeout of [-1, NaN, "1" as unknown as number]) {
    const options = { libos, ...LOOPBACK, idleTimeout };
    assertThrows(() => serve(options, () => {}), DemikernelError, "timeout");
  }
  return Promise.resolve();
});
