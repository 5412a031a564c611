import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { connect, type Connection, DemikernelError, listen, open } from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, countToEnd, held, LOOPBACK, makePair, netTest, text } from "./_net.ts";

netTest("Connection gives the addresses of both sides", async (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  using client = await connect({ libos, port: listener.addr.port });
  using server = await listener.accept();
  assertEquals(client.remoteAddr, listener.addr);
  assertEquals(server.localAddr, listener.addr);
  assertEquals(server.remoteAddr, client.localAddr);
});

netTest("Connection gives the addresses of both sides after close()", async (libos) => {
  const [client, server] = await makePair(libos);
  const [{ localAddr, remoteAddr }] = [server];
  for (const connection of [client, server]) connection.close();
  assertEquals([client.localAddr, client.remoteAddr], [remoteAddr, localAddr]);
  assertEquals([server.localAddr, server.remoteAddr], [localAddr, remoteAddr]);
});

Deno.test("Connection gives the addresses that it was asked for when its libOS is closed", async () => {
  const libos = open();
  const [client, server] = await makePair(libos);
  const addresses = [client.localAddr, client.remoteAddr];
  await libos.exit();
  assertEquals([client.localAddr, client.remoteAddr], addresses);
  assertThrows(() => server.remoteAddr, Deno.errors.BadResource);
  for (const connection of [client, server]) connection.close();
  assertThrows(() => server.remoteAddr, Deno.errors.BadResource);
});

netTest("Connection gives the addresses of both sides after the peer's reset", async (libos) => {
  for (const close of [false, true]) {
    using owned = new DisposableStack();
    const [client, server] = await makePair(libos, owned);
    const { localAddr, remoteAddr } = client;
    libos.setsockopt(client.qd, "linger", 0);
    client.close();
    await assertRejects(async () => await server.pop(), Deno.errors.ConnectionReset);
    if (close) server.close();
    assertEquals([server.remoteAddr, server.localAddr], [localAddr, remoteAddr]);
  }
});

netTest(
  "Connection gives the addresses of both sides when it was reset before it was accepted",
  async (libos) => {
    using listener = listen({ libos, ...LOOPBACK });
    const client = await connect({ libos, port: listener.addr.port });
    const { localAddr } = client;
    libos.setsockopt(client.qd, "linger", 0);
    client.close();
    using server = await listener.accept();
    assertEquals([server.remoteAddr, server.localAddr], [localAddr, listener.addr]);
  },
);

netTest("Connection.pop() gives at most the size that is asked for", async (libos) => {
  const [client, server] = await makePair(libos);
  await client.push(bytes("hello"));
  assertEquals(text(await server.pop({ size: 2 })), "he");
  assertEquals(text(await server.pop({ size: 9 })), "llo");
  client.close();
  server.close();
});

netTest("Connection.pop() answers in order when it is called twice at once", async (libos) => {
  const [client, server] = await makePair(libos);
  const pops = [server.pop({ size: 1 }), server.pop({ size: 1 })];
  await client.push(bytes("ab"));
  assertEquals([text(await pops[0]!), text(await pops[1]!)], ["a", "b"]);
  client.close();
  server.close();
});

netTest("Connection.pop() gives null at the end of the stream, each time", async (libos) => {
  const [client, server] = await makePair(libos);
  const pops = [server.pop(), server.pop()];
  client.closeWrite();
  for (const pop of pops) assertEquals(await pop, null);
  assertEquals(await server.pop(), null);
  await server.push(bytes("still open"));
  assertEquals(text(await client.pop()), "still open");
  client.close();
  server.close();
});

netTest(
  "Connection.push() takes all of an sga that is larger than the buffers of the kernel",
  async (libos) => {
    const [client, server] = await makePair(libos);
    const size = 32 * 1024 * 1024;
    const counted = countToEnd(server);
    await client.push(libos.alloc(size));
    client.close();
    assertEquals(await within(counted), size);
    server.close();
  },
);

netTest("Connection.push() keeps the order when it is not awaited", async (libos) => {
  const [client, server] = await makePair(libos);
  const pushes = Array.from({ length: 100 }, (_, i) => client.push(bytes(`${i},`)));
  for (const push of pushes) await push;
  client.close();
  let all = "";
  for await (const sga of server) all += text(sga);
  assertEquals(all, Array.from({ length: 100 }, (_, i) => `${i},`).join(""));
  server.close();
});

netTest("Connection.push() leaves an sga with the caller when it throws", async (libos) => {
  const [client, server] = await makePair(libos);
  client.closeWrite();
  const sga = libos.alloc(1);
  assertThrows(() => client.push(sga), Deno.errors.BrokenPipe);
  sga.free();
  server.close();
  client.close();
});

netTest("Connection.push() holds no copy of bytes when it throws", async (libos) => {
  const [client, server] = await makePair(libos);
  client.closeWrite();
  const { buffers } = held(libos);
  assertThrows(() => client.push(bytes("x")), Deno.errors.BrokenPipe);
  assertEquals(held(libos).buffers, buffers);
  server.close();
  client.close();
});

netTest("Connection.push() refuses an sga of another libOS, and what is none", async (libos) => {
  const [client, server] = await makePair(libos);
  const { code } = assertThrows(() => client.push({} as never), DemikernelError);
  assertEquals(code, "EINVAL");
  server.close();
  client.close();
});

netTest("Connection.close() interrupts what is pending", async (libos) => {
  const [client, server] = await makePair(libos);
  const pop = assertRejects(async () => await server.pop(), Deno.errors.Interrupted);
  const other = assertRejects(async () => await server.pop(), Deno.errors.Interrupted);
  const push = assertRejects(
    async () => await server.push(libos.alloc(64 * 1024 * 1024)),
    Deno.errors.Interrupted,
  );
  server.close();
  const error = await within(pop);
  assertEquals((error as { code?: string }).code, "ECANCELED");
  assertInstanceOf(error.cause, DemikernelError);
  await within(other);
  await within(push);
  client.close();
});

/** Everything that a connection does. */
const USES: Record<string, (connection: Connection) => unknown> = {
  pop: (connection) => connection.pop(),
  push: (connection) => connection.push(bytes("x")),
  closeWrite: (connection) => connection.closeWrite(),
  close: (connection) => connection.close(),
  ref: (connection) => connection.ref(),
  unref: (connection) => connection.unref(),
};

netTest("Connection throws BadResource when it is used after close()", async (libos) => {
  const [client, server] = await makePair(libos);
  client.close();
  server.close();
  assertEquals(client.open, false);
  for (const use of Object.values(USES)) assertThrows(() => use(client), Deno.errors.BadResource);
  client[Symbol.dispose]();
  for await (const _ of client) assert(false, "it iterated");
});

netTest("Connection is closed by using", async (libos) => {
  const [client, server] = await makePair(libos);
  {
    using closing = client;
    assert(closing.open);
  }
  assertEquals(client.open, false);
  assertEquals(await server.pop(), null);
  server.close();
});

netTest("Connection tells of a reset by an error of Deno with code and cause", async (libos) => {
  const [client, server] = await makePair(libos);
  libos.setsockopt(client.qd, "linger", 0);
  const pop = assertRejects(async () => await server.pop(), Deno.errors.ConnectionReset);
  client.close();
  const error = await within(pop);
  assertEquals((error as { code?: string }).code, "ECONNRESET");
  assertInstanceOf(error.cause, DemikernelError);
  await assertRejects(async () => {
    for await (const _ of server);
  }, Deno.errors.ConnectionReset);
  server[Symbol.dispose]();
});
