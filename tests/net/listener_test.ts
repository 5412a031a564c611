import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { connect, DemikernelError, listen, type Listener } from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, LOOPBACK, netTest, text } from "./_net.ts";

netTest("Listener accepts in the order of the connections", async (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  const accepts = [listener.accept(), listener.accept()];
  using first = await connect({ libos, port: listener.addr.port });
  using second = await connect({ libos, port: listener.addr.port });
  using one = await accepts[0]!;
  using two = await accepts[1]!;
  assertEquals([one.remoteAddr, two.remoteAddr], [first.localAddr, second.localAddr]);
});

netTest("Listener accepts in a coroutine", async (libos) => {
  using listener = listen({ libos, ...LOOPBACK });
  const accepted = libos.spawn(function* () {
    using server = yield* listener.accept();
    return text(yield* server.pop());
  }());
  using client = await connect({ libos, port: listener.addr.port });
  await client.push(bytes("hi"));
  assertEquals(await accepted, "hi");
});

netTest("Listener iterates over connections until it is closed", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  let count = 0;
  const seen = Promise.withResolvers<void>();
  const iteration = (async () => {
    for await (using _ of listener) if (++count === 3) seen.resolve();
  })();
  for (let i = 0; i < 3; i++) (await connect({ libos, port: listener.addr.port })).close();
  await within(seen.promise);
  listener.close();
  await within(iteration);
  assertEquals(count, 3);
});

netTest("Listener is closed when its iteration is left early", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  using _client = await connect({ libos, port });
  for await (using _ of listener) break;
  assertEquals(listener.open, false);
  await assertRejects(async () => await connect({ libos, port }), Deno.errors.ConnectionRefused);
});

netTest("Listener ends the question that waits when its iterator returns", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const iterator = listener[Symbol.asyncIterator]();
  const question = iterator.next();
  await within(iterator.return!());
  assertEquals(await within(question), { done: true, value: undefined });
  assertEquals(await iterator.next(), { done: true, value: undefined });
});

netTest(
  "listen() replaces the file of a Unix socket that is gone if reuseAddress is set",
  async (libos) => {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/socket`;
    try {
      const gone = listen({ libos, path: `${path}.old` });
      await Deno.rename(`${path}.old`, path);
      gone.close();
      const error = assertThrows(() => listen({ libos, path }), Deno.errors.AddrInUse);
      assertStringIncludes(error.message, "nobody listens");
      const listener = listen({ libos, path, reuseAddress: true });
      using client = await connect({ libos, path });
      using server = await listener.accept();
      assertThrows(() => listen({ libos, path, reuseAddress: true }), Deno.errors.AddrInUse);
      assertEquals([client.remoteAddr, server.localAddr], [{ path }, { path }]);
      listener.close();
      assertEquals([...Deno.readDirSync(directory)], []);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);

netTest("Listener.close() interrupts what is pending", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const pending = assertRejects(async () => await listener.accept(), Deno.errors.Interrupted);
  listener.close();
  await within(pending);
});

const USES: Record<string, (listener: Listener) => unknown> = {
  accept: (listener) => listener.accept(),
  close: (listener) => listener.close(),
  ref: (listener) => listener.ref(),
  unref: (listener) => listener.unref(),
};

for (const [what, use] of Object.entries(USES)) {
  netTest(`Listener.${what}() throws BadResource when it was closed`, (libos) => {
    const listener = listen({ libos, ...LOOPBACK });
    listener.close();
    assertThrows(() => use(listener), Deno.errors.BadResource);
    listener[Symbol.dispose]();
    return Promise.resolve();
  });
}

netTest(
  "listen() throws an error of Deno when the address is taken, or is none of this host",
  (libos) => {
    using listener = listen({ libos, ...LOOPBACK });
    const { port } = listener.addr;
    assertThrows(() => listen({ libos, ...LOOPBACK, port }), Deno.errors.AddrInUse);
    assertThrows(
      () => listen({ libos, hostname: "192.0.2.1", port: 0 }),
      Deno.errors.AddrNotAvailable,
    );
    return Promise.resolve();
  },
);

netTest("listen() throws, and holds nothing, when the backlog makes no sense", (libos) => {
  for (const backlog of [0, -1, 1.5, NaN]) {
    const { code } = assertThrows(() => listen({ libos, ...LOOPBACK, backlog }), DemikernelError);
    assertEquals(code, "EINVAL");
  }
  return Promise.resolve();
});

netTest("listen() takes an abstract Unix socket, whose name is free afterwards", async (libos) => {
  const path = `\0demikernel-${crypto.randomUUID()}`;
  for (let i = 0; i < 2; i++) {
    using listener = listen({ libos, path });
    using client = await connect({ libos, path });
    using _ = await listener.accept();
    await client.push(bytes("x"));
  }
});

netTest(
  "listen() replaces the file that a dead listener left when it is told to",
  async (libos) => {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/socket`;
    // A process that is killed leaves its file behind, as one that renames it does.
    const dead = listen({ libos, path });
    await Deno.rename(path, `${path}.left`);
    dead.close();
    await Deno.rename(`${path}.left`, path);
    assertThrows(() => listen({ libos, path }), Deno.errors.AddrInUse, "reuseAddress");
    {
      using _listener = listen({ libos, path, reuseAddress: true });
      using _client = await connect({ libos, path });
      assertThrows(() => listen({ libos, path, reuseAddress: true }), Deno.errors.AddrInUse);
    }
    await Deno.remove(directory, { recursive: true });
  },
);
