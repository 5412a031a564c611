import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  connect,
  DemikernelError,
  type Handler,
  type LibOS,
  open,
  serve,
  type Sga,
} from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, ECHOES, generatorEcho, LOOPBACK, netTest, readAll, text } from "./_net.ts";

for (const [kind, echo] of Object.entries(ECHOES)) {
  netTest(
    `Server.shutdown() lets what had arrived be answered when the handler is a ${kind}`,
    async (libos) => {
      const began = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const handler: Handler = async (connection) => {
        began.resolve();
        await gate.promise;
        const result = echo(connection);
        await (result instanceof Promise ? result : libos.spawn(result));
      };
      const server = serve({ libos, ...LOOPBACK }, handler);
      const client = await Deno.connect({ ...LOOPBACK, port: server.addr.port });
      await within(began.promise);
      await client.write(bytes("in time"));
      const shutdown = server.shutdown();
      assertStrictEquals(shutdown, server.finished);
      gate.resolve();
      assertEquals(await within(readAll(client)), "in time");
      await within(shutdown);
      assertEquals(server.connections, 0);
    },
  );

  netTest(
    `Server.shutdown() ends connections that say nothing when the handler is a ${kind}`,
    async (libos) => {
      const server = serve({ libos, ...LOOPBACK }, echo);
      using client = await connect({ libos, port: server.addr.port });
      await client.push(bytes("hi"));
      assertEquals(text(await client.pop()), "hi");
      await within(server.shutdown());
      assertEquals(await client.pop(), null);
    },
  );
}

netTest("Server.shutdown() refuses new connections", async (libos) => {
  const server = serve({ libos, ...LOOPBACK }, generatorEcho);
  const { port } = server.addr;
  await server.shutdown();
  await assertRejects(async () => await connect({ libos, port }), Deno.errors.ConnectionRefused);
});

netTest("Server.shutdown() may be called twice, and by a handler", async (libos) => {
  const server = serve({ libos, ...LOOPBACK }, async (connection) => {
    server.shutdown();
    (await connection.pop())?.free();
  });
  using client = await connect({ libos, port: server.addr.port });
  assertEquals(await client.pop(), null);
  await within(server.shutdown());
  await within(server.finished);
});

netTest("Server.shutdown() passes over a connection that its handler closed", async (libos) => {
  const closed = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const server = serve({ libos, ...LOOPBACK }, async (connection) => {
    connection.close();
    closed.resolve();
    await gate.promise;
  });
  using _ = await connect({ libos, port: server.addr.port });
  await within(closed.promise);
  const shutdown = server.shutdown();
  gate.resolve();
  await within(shutdown);
});

/** Stops a server in the turn in which it accepts: the connection is there, its handler is not yet. */
async function acceptWhile(libos: LibOS, port: number, stop: () => void): Promise<Sga | null> {
  await using other = open();
  const qd = other.socket("inet", "stream");
  // Blocks this thread, so that the first libOS learns of the connection afterwards.
  assertEquals(other.wait(other.connect(qd, { ...LOOPBACK, port })).opcode, "connect");
  // deno-lint-ignore require-yield -- it only has to run before the server goes on
  await libos.spawn(function* () {
    stop();
  }());
  try {
    return await within(Promise.resolve(other.operations.pop(qd)));
  } catch (error) {
    // A listener that closes resets what it has not handed out yet.
    if ((error as { code?: string }).code === "ECONNRESET") return null;
    throw error;
  }
}

netTest("Server.shutdown() ends a connection that is being accepted", async (libos) => {
  const server = serve({ libos, ...LOOPBACK }, generatorEcho);
  await libos.operations.sleep(1);
  assertEquals(await acceptWhile(libos, server.addr.port, () => server.shutdown()), null);
  await within(server.finished);
});

netTest(
  "Server closes a connection that is being accepted when the signal is aborted",
  async (libos) => {
    const controller = new AbortController();
    const server = serve({ libos, ...LOOPBACK, signal: controller.signal }, generatorEcho);
    await libos.operations.sleep(1);
    assertEquals(await acceptWhile(libos, server.addr.port, () => controller.abort()), null);
    await within(server.finished);
  },
);

for (const [kind, echo] of Object.entries(ECHOES)) {
  netTest(
    `Server closes its connections when the signal is aborted and the handler is a ${kind}`,
    async (libos) => {
      const errors: unknown[] = [];
      const controller = new AbortController();
      const server = serve({
        libos,
        ...LOOPBACK,
        signal: controller.signal,
        onError: (error) => errors.push(error),
      }, echo);
      using client = await connect({ libos, port: server.addr.port });
      await client.push(bytes("hi"));
      assertEquals(text(await client.pop()), "hi");
      controller.abort();
      await within(server.finished);
      assertEquals(await client.pop(), null);
      assertEquals(errors, []);
    },
  );
}

netTest("Server tells nobody when a handler uses what the signal closed", async (libos) => {
  const errors: unknown[] = [];
  const began = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const controller = new AbortController();
  const server = serve({
    libos,
    ...LOOPBACK,
    signal: controller.signal,
    onError: (error) => errors.push(error),
  }, async (connection) => {
    began.resolve();
    await gate.promise;
    await connection.push(bytes("too late"));
  });
  using _ = await connect({ libos, port: server.addr.port });
  await within(began.promise);
  controller.abort();
  gate.resolve();
  await within(server.finished);
  assertEquals(errors, []);
});

netTest("Server ends a shutdown() that waits when the signal is aborted", async (libos) => {
  const controller = new AbortController();
  const { signal } = controller;
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const server = serve({ libos, ...LOOPBACK, signal, onError }, async (connection) => {
    // The peer never reads.
    await connection.push(libos.alloc(64 * 1024 * 1024));
  });
  using _ = await connect({ libos, port: server.addr.port });
  while (server.connections === 0) await libos.operations.sleep(1);
  const shutdown = server.shutdown();
  controller.abort();
  await within(shutdown);
  assertEquals(errors, []);
});

netTest(
  "serve() throws the reason, and holds nothing, when the signal was aborted before",
  (libos) => {
    const signal = AbortSignal.abort(new Error("mine"));
    assertThrows(() => serve({ libos, ...LOOPBACK, signal }, generatorEcho), Error, "mine");
    return Promise.resolve();
  },
);

netTest("Server does nothing when the signal is aborted after the end", async (libos) => {
  const controller = new AbortController();
  const server = serve({ libos, ...LOOPBACK, signal: controller.signal }, generatorEcho);
  await server.shutdown();
  controller.abort();
  await server.finished;
});

netTest("Server shuts down when it leaves its scope", async (libos) => {
  let port: number;
  {
    await using server = serve({ libos, ...LOOPBACK }, generatorEcho);
    port = server.addr.port;
  }
  await assertRejects(async () => await connect({ libos, port }), Deno.errors.ConnectionRefused);
});

netTest(
  "Server.unref() and ref() pass over a connection that its handler closed",
  async (libos) => {
    const closed = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    await using server = serve({ libos, ...LOOPBACK }, async (connection) => {
      connection.close();
      closed.resolve();
      await gate.promise;
    });
    using _ = await connect({ libos, port: server.addr.port });
    await within(closed.promise);
    server.unref();
    server.ref();
    gate.resolve();
  },
);

netTest("Server.unref() does nothing after the end", async (libos) => {
  const server = serve({ libos, ...LOOPBACK }, generatorEcho);
  await server.shutdown();
  server.unref();
  server.ref();
});

for (const [kind, echo] of Object.entries(ECHOES)) {
  netTest(`Server.abort() closes all connections at once: ${kind}`, async (libos) => {
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    const server = serve({ libos, ...LOOPBACK, onError }, echo);
    using client = await connect({ libos, port: server.addr.port });
    await client.push("hi");
    assertEquals(text(await client.pop()), "hi");
    const aborted = server.abort();
    assertStrictEquals(aborted, server.finished);
    await within(aborted);
    assertEquals([server.connections, errors], [0, []]);
    assertEquals(await client.pop(), null);
  });
}

netTest("Server.shutdown() closes what is left at its deadline", async (libos) => {
  const server = serve({ libos, ...LOOPBACK, onError() {} }, function* (connection) {
    yield* connection.push("ready");
    // What it waits for never comes.
    yield* libos.operations.pop(queue);
  });
  const queue = libos.queue();
  using client = await connect({ libos, port: server.addr.port });
  assertEquals(text(await client.pop()), "ready");
  const shutdown = server.shutdown({ deadline: 20 });
  assertEquals(await client.pop(), null);
  assertEquals(server.connections, 1);
  libos.close(queue);
  await within(shutdown);
});

netTest("Server.shutdown() is over before its deadline when all handlers are", async (libos) => {
  const server = serve({ libos, ...LOOPBACK }, generatorEcho);
  for (const deadline of [1e9, 1e300, Infinity]) await within(server.shutdown({ deadline }));
});

netTest("Server.shutdown() waits for as long as is asked for", async (libos) => {
  const gate = Promise.withResolvers<void>();
  const server = serve({ libos, ...LOOPBACK }, () => gate.promise);
  using _client = await connect({ libos, port: server.addr.port });
  while (server.connections === 0) await libos.operations.sleep(1);
  const shutdown = server.shutdown({ deadline: Infinity });
  await libos.operations.sleep(20);
  assertEquals(server.connections, 1);
  gate.resolve();
  await within(shutdown);
});

netTest("Server.shutdown() refuses a deadline that is none", async (libos) => {
  await using server = serve({ libos, ...LOOPBACK }, generatorEcho);
  for (const deadline of [-1, NaN, "1" as unknown as number]) {
    assertThrows(() => server.shutdown({ deadline }), DemikernelError);
  }
});
