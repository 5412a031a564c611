import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { connect, type Connection, type Handler, listen, serve } from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import {
  bytes,
  countToEnd,
  ECHOES,
  exchange,
  generatorEcho,
  LOOPBACK,
  netTest,
  readAll,
  text,
} from "./_net.ts";

for (const [kind, echo] of Object.entries(ECHOES)) {
  netTest(`serve() echoes to a socket of Deno when the handler is a ${kind}`, async (libos) => {
    await using server = serve({ libos, ...LOOPBACK }, echo);
    assertEquals(await exchange(server.addr.port, "hello"), "hello");
  });

  netTest(
    `serve() serves 1000 connections at once when the handler is a ${kind}`,
    async (libos) => {
      await using server = serve({ libos, ...LOOPBACK }, echo);
      const { port } = server.addr;
      const clients: Connection[] = [];
      for (let i = 0; i < 1000; i++) clients.push(await connect({ libos, port }));
      const ping = async (client: Connection, message: string) => {
        await client.push(bytes(message));
        assertEquals(text(await client.pop()), message);
      };
      await Promise.all(clients.map((client, i) => ping(client, `first ${i}`)));
      assertEquals(server.connections, 1000);
      await Promise.all(clients.map((client, i) => ping(client, `second ${i}`)));
      for (const client of clients) client.close();
    },
  );
}

/** Handlers that fail, each in its way. */
const FAILING: Record<string, Handler> = {
  "an async function": async (connection) => {
    (await connection.pop())?.free();
    throw new Error("mine");
  },
  "an async iteration": async (connection) => {
    for await (using _ of connection) throw new Error("mine");
  },
  "a generator": function* (connection) {
    (yield* connection.pop())?.free();
    throw new Error("mine");
  },
  "an ordinary function": () => {
    throw new Error("mine");
  },
  "an async function, at once": async () => {
    await Promise.reject(new Error("mine"));
  },
};

for (const [kind, failing] of Object.entries(FAILING)) {
  netTest(`serve() closes that connection alone when ${kind} throws`, async (libos) => {
    const errors: [string, Connection][] = [];
    let calls = 0;
    const server = serve({
      libos,
      ...LOOPBACK,
      onError: (error, connection) => errors.push([(error as Error).message, connection]),
    }, (connection) => calls++ === 1 ? failing(connection) : generatorEcho(connection));
    const { port } = server.addr;
    using good = await connect({ libos, port });
    await good.push(bytes("a"));
    assertEquals(text(await good.pop()), "a");
    using bad = await Deno.connect({ hostname: "127.0.0.1", port });
    await bad.write(bytes("x")).catch(() => {});
    await bad.read(new Uint8Array(1)).catch(() => {});
    await good.push(bytes("b"));
    assertEquals(text(await good.pop()), "b");
    assertEquals(server.connections, 1);
    assertEquals(errors.map(([message, { open }]) => [message, open]), [["mine", false]]);
    good.close();
    await within(server.shutdown());
  });
}

netTest("serve() gives onError an error of Deno when the peer resets", async (libos) => {
  const errors: unknown[] = [];
  const server = serve(
    { libos, ...LOOPBACK, onError: (error) => errors.push(error) },
    async (connection) => void await countToEnd(connection),
  );
  const client = await connect({ libos, port: server.addr.port });
  await client.push(bytes("x"));
  libos.setsockopt(client.qd, "linger", 0);
  client.close();
  while (errors.length === 0) await libos.operations.sleep(1);
  assertInstanceOf(errors[0], Deno.errors.ConnectionReset);
  await server.shutdown();
});

const LEAVING: Record<string, Handler> = {
  "an async iteration breaks": async (connection) => {
    for await (const sga of connection) {
      await connection.push(sga);
      break;
    }
  },
  "an async function returns": async (connection) => {
    await connection.push((await connection.pop())!);
  },
  "a generator returns": function* (connection) {
    yield* connection.push((yield* connection.pop())!);
  },
  "a handler closes": async (connection) => {
    await connection.push((await connection.pop())!);
    connection.close();
  },
};

for (const [what, handler] of Object.entries(LEAVING)) {
  netTest(`serve() gives the peer every byte and a FIN when ${what}`, async (libos) => {
    await using server = serve({ libos, ...LOOPBACK }, handler);
    const client = await Deno.connect({ ...LOOPBACK, port: server.addr.port });
    await client.write(bytes("last words"));
    // A reset would reject.
    assertEquals(await within(readAll(client)), "last words");
  });
}

for (const kind of ["an async function", "a generator"]) {
  netTest(
    `serve() tells onError of a push that was torn when its handler, ${kind}, did not wait for it`,
    async (libos) => {
      const size = 64 * 1024 * 1024;
      const errors: unknown[] = [];
      const told = Promise.withResolvers<void>();
      const handlers: Record<string, Handler> = {
        // Past the first step, since that is taken within the coroutine that accepts.
        "an async function": async (connection) => {
          await null;
          connection.push(libos.alloc(size));
        },
        // deno-lint-ignore require-yield -- that it does not wait is the point
        "a generator": function* (connection) {
          connection.push(libos.alloc(size));
        },
      };
      const onError = (error: unknown) => {
        errors.push(error);
        told.resolve();
      };
      await using server = serve({ libos, ...LOOPBACK, onError }, handlers[kind]!);
      using client = await connect({ libos, port: server.addr.port });
      assertEquals(await within(countToEnd(client)) < size, true);
      await within(told.promise);
      assertEquals(errors.map((error) => error instanceof Deno.errors.Interrupted), [true]);
    },
  );
}

netTest("serve() tells nobody of a torn push when its signal was aborted", async (libos) => {
  const controller = new AbortController();
  const errors: unknown[] = [];
  const began = Promise.withResolvers<void>();
  const server = serve(
    { libos, ...LOOPBACK, signal: controller.signal, onError: (error) => errors.push(error) },
    function* (connection) {
      connection.push(libos.alloc(64 * 1024 * 1024));
      began.resolve();
      yield* connection.pop();
    },
  );
  using _client = await connect({ libos, port: server.addr.port });
  await within(began.promise);
  controller.abort();
  await within(server.finished);
  await libos.operations.sleep(5);
  assertEquals(errors, []);
});

netTest("serve() goes on when a handler returns nothing of use", async (libos) => {
  const errors: unknown[] = [];
  const handlers = [() => {}, () => null, () => 42, () => "text"] as unknown as Handler[];
  let calls = 0;
  await using server = serve(
    { libos, ...LOOPBACK, onError: (error) => errors.push(error) },
    (connection) => handlers[calls++]!(connection),
  );
  for (const _ of handlers) assertEquals(await exchange(server.addr.port, ""), "");
  assertEquals(errors, []);
});

netTest("serve() tells onError when a generator yields without *", async (libos) => {
  const errors: string[] = [];
  const handler = function* (connection: Connection) {
    yield connection.pop();
  } as unknown as Handler;
  await using server = serve(
    { libos, ...LOOPBACK, onError: (error) => errors.push((error as Error).message) },
    handler,
  );
  assertEquals(await exchange(server.addr.port, ""), "");
  assertEquals(errors.length, 1);
  assertEquals(errors[0]!.includes("yield*"), true);
});

netTest("serve() calls onListen with the address before it returns", async (libos) => {
  const ports: number[] = [];
  await using server = serve(
    { libos, ...LOOPBACK, onListen: (addr) => ports.push((addr as Deno.NetAddr).port) },
    generatorEcho,
  );
  assertEquals(ports, [server.addr.port]);
});

netTest("serve() has ended when onListen aborts its signal", async (libos) => {
  const controller = new AbortController();
  const server = serve({
    libos,
    ...LOOPBACK,
    signal: controller.signal,
    onListen: () => controller.abort(),
  }, generatorEcho);
  await within(server.finished);
  await assertRejects(
    async () => await connect({ libos, port: server.addr.port }),
    Deno.errors.ConnectionRefused,
  );
});

netTest("serve() waits for the operation that a handler returns", async (libos) => {
  const size = 16 * 1024 * 1024;
  await using server = serve(
    { libos, ...LOOPBACK },
    (connection) => connection.push(libos.alloc(size)),
  );
  using client = await connect({ libos, port: server.addr.port });
  assertEquals(await within(countToEnd(client)), size);
});

netTest("serve() listens no more when onListen throws", (libos) => {
  const onListen = () => {
    throw new Error("mine");
  };
  assertThrows(() => serve({ libos, ...LOOPBACK, onListen }, generatorEcho), Error, "mine");
  return Promise.resolve();
});

netTest("serve() throws AddrInUse, and holds nothing, when the port is taken", (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  assertThrows(
    () => serve({ libos, ...LOOPBACK, port }, generatorEcho),
    Deno.errors.AddrInUse,
  );
  return Promise.resolve();
});

netTest("serve() shares a port between servers with reusePort", async (libos) => {
  await using one = serve({ libos, ...LOOPBACK, reusePort: true }, generatorEcho);
  const { port } = one.addr;
  await using _ = serve({ libos, ...LOOPBACK, port, reusePort: true }, generatorEcho);
  for (let i = 0; i < 10; i++) assertEquals(await exchange(port, "hi"), "hi");
});

for (const hostname of ["127.0.0.1", "::1", "localhost", "0.0.0.0", "::"]) {
  netTest(`serve() takes connections when the hostname is ${hostname}`, async (libos) => {
    await using server = serve({ libos, hostname, port: 0 }, generatorEcho);
    const peer = hostname.includes(":") ? "::1" : "127.0.0.1";
    using client = await connect({ libos, hostname: peer, port: server.addr.port });
    await client.push(bytes("hi"));
    assertEquals(text(await client.pop()), "hi");
  });
}

for (const type of ["stream", "seqpacket"] as const) {
  netTest(`serve() echoes over a Unix socket when it is a ${type}`, async (libos) => {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/socket`;
    {
      await using server = serve({ libos, path, type }, generatorEcho);
      assertEquals(server.addr, { path });
      using client = await connect({ libos, path, type });
      await client.push(bytes("hi"));
      assertEquals(text(await client.pop()), "hi");
    }
    await Deno.remove(directory, { recursive: true });
  });
}

netTest("serve() refuses a host name that is no address", (libos) => {
  const error = assertThrows(() =>
    serve({ libos, hostname: "example.com", port: 0 }, generatorEcho)
  );
  assertEquals((error as { code?: string }).code, "EINVAL");
  assertEquals(error.message.includes("example.com"), true);
  return Promise.resolve();
});

netTest(
  "serve() tells onError once of a push that failed before its handler waited for it",
  async (libos) => {
    const errors: unknown[] = [];
    const server = serve(
      { libos, ...LOOPBACK, onError: (error) => errors.push(error) },
      async (connection) => {
        (await connection.pop())?.free();
        const push = connection.push(new Uint8Array(30e6));
        await libos.operations.sleep(50);
        await push;
      },
    );
    const client = await connect({ libos, port: server.addr.port });
    await client.push(bytes("go"));
    await libos.operations.sleep(20);
    // What was not read makes it a reset.
    client.close();
    await libos.operations.sleep(60);
    await within(server.shutdown());
    assertEquals(errors.length, 1);
  },
);

netTest(
  "listen() removes the file of a Unix socket also when the working directory has changed",
  async (libos) => {
    const directory = await Deno.makeTempDir();
    const before = Deno.cwd();
    try {
      Deno.chdir(directory);
      const listener = listen({ libos, path: "socket" });
      Deno.chdir(before);
      listener.close();
      assertThrows(() => Deno.lstatSync(`${directory}/socket`), Deno.errors.NotFound);
    } finally {
      Deno.chdir(before);
      await Deno.remove(directory, { recursive: true });
    }
  },
);
