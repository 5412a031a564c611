import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, datagram, type LibOSName, listen, open, serve } from "../../mod.ts";
import { closeQueue } from "../../libos/net/lease.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, exchange, generatorEcho, LOOPBACK, netTest, readAll, text } from "./_net.ts";

/** The file descriptors of this process: sockets, and what polls them. */
function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** A test of libOSes that are given by name: all their descriptors are closed in the end. */
function nameTest(name: string, body: () => Promise<void>): void {
  Deno.test(name, async () => {
    const before = descriptors();
    await body();
    // A libOS goes when its sleep is over.
    for (let i = 0; i < 200 && descriptors() > before; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(descriptors(), before);
  });
}

nameTest("serve() opens a libOS by name, and has closed it when it is finished", async () => {
  const before = descriptors();
  const server = serve(LOOPBACK, generatorEcho);
  assertEquals(await exchange(server.addr.port, "hi"), "hi");
  await server.shutdown();
  assertEquals(descriptors(), before);
});

nameTest("Server.shutdown() drains when the libOS was opened by name", async () => {
  const began = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const server = serve(LOOPBACK, async (connection) => {
    began.resolve();
    await gate.promise;
    await connection.push((await connection.pop())!);
  });
  const client = await Deno.connect({ ...LOOPBACK, port: server.addr.port });
  await within(began.promise);
  await client.write(bytes("in time"));
  const shutdown = server.shutdown();
  gate.resolve();
  assertEquals(await within(readAll(client)), "in time");
  await shutdown;
});

nameTest(
  "Listener.close() leaves the connections open when the libOS was opened by name",
  async () => {
    const listener = listen(LOOPBACK);
    using client = await connect({ port: listener.addr.port });
    using server = await listener.accept();
    listener.close();
    await client.push(bytes("hi"));
    assertEquals(text(await server.pop()), "hi");
  },
);

nameTest("connect() leaves no libOS open when it fails", async () => {
  const listener = listen(LOOPBACK);
  const { port } = listener.addr;
  listener.close();
  await assertRejects(async () => await connect({ port }), Deno.errors.ConnectionRefused);
  assertThrows(() => connect({ hostname: "no host", port }));
  assertThrows(() => connect({ port, signal: AbortSignal.abort() }));
});

nameTest("listen(), datagram() and serve() leave no libOS open when they throw", () => {
  assertThrows(() => listen({ hostname: "example.com", port: 0 }));
  assertThrows(() => datagram({ hostname: "example.com" }));
  assertThrows(() => serve({ hostname: "example.com", port: 0 }, generatorEcho));
  return Promise.resolve();
});

nameTest("datagram() opens a libOS by name, and closes it", async () => {
  using socket = datagram();
  await socket.push(bytes("hi"), socket.addr);
  assertEquals(text(await socket.pop()), "hi");
});

Deno.test("listen() throws when there is no libOS of that name", () => {
  const libos = "catnup" as LibOSName;
  const error = assertThrows(() => listen({ libos, port: 0 }), Error, "catnup");
  assertEquals((error as { code?: string }).code, "EINVAL");
});

netTest("closeQueue() closes a queue, and does nothing when it was closed", (libos) => {
  const qd = libos.queue();
  closeQueue(libos, qd);
  assertEquals(libos.statistics().queues, 0);
  closeQueue(libos, qd);
  return Promise.resolve();
});

Deno.test("open() runs all libOSes of a thread on one scheduler", async () => {
  await using one = open();
  await using two = open();
  await using server = serve({ libos: one, ...LOOPBACK }, function* (connection) {
    // A proxy between the two libOSes, in one coroutine.
    using behind = yield* connect({ libos: two, port: listener.addr.port });
    const request = (yield* connection.pop())!;
    yield* behind.push(request.bytes());
    request.free();
    const reply = (yield* behind.pop())!;
    yield* connection.push(reply.bytes());
    reply.free();
  });
  using listener = listen({ libos: two, ...LOOPBACK });
  const echoed = (async () => {
    using connection = await listener.accept();
    await connection.push((await connection.pop())!);
  })();
  assertEquals(await exchange(server.addr.port, "hi"), "hi");
  await echoed;
});

Deno.test("open() many times leaves Deno's own thread pool free", async () => {
  const liboses = Array.from({ length: 64 }, () => open({ idle: "park" }));
  const pops = liboses.map((libos) => {
    const qd = libos.queue();
    return { libos, qd, pop: Promise.resolve(libos.operations.pop(qd)) };
  });
  // Each of them could sleep in a thread of the pool that reads files, too.
  await Deno.readTextFile(new URL(import.meta.url));
  for (const { libos, qd, pop } of pops) {
    await libos.operations.push(qd, libos.alloc(1));
    (await pop)!.free();
  }
  await Promise.all(liboses.map((libos) => libos.exit()));
});

Deno.test("connect() by name shares one libOS among all, and opens one anew after the last", async () => {
  await using server = serve(LOOPBACK, generatorEcho);
  const { port } = server.addr;
  const connections = await Promise.all(
    Array.from({ length: 300 }, async () => await connect({ port })),
  );
  assertEquals(new Set(connections.map(({ libos }) => libos)).size, 1);
  await Promise.all(connections.map(async (connection, i) => {
    await connection.push(bytes(`hi ${i}`));
    assertEquals(text(await connection.pop()), `hi ${i}`);
    connection.close();
  }));
});
