import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  type ConnectOptions,
  DemikernelError,
  type LibOS,
  listen,
  open,
  serve,
} from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, generatorEcho, held, LOOPBACK, netTest, text } from "./_net.ts";

netTest("connect() connects to a listener of Deno", async (libos) => {
  using listener = Deno.listen(LOOPBACK);
  using client = await connect({ libos, ...LOOPBACK, port: listener.addr.port });
  using server = await listener.accept();
  await client.push(bytes("hi"));
  const buffer = new Uint8Array(8);
  assertEquals(await server.read(buffer), 2);
  await server.write(buffer.subarray(0, 2));
  assertEquals(text(await client.pop()), "hi");
});

netTest("connect() works in a coroutine", async (libos) => {
  await using server = serve({ libos, ...LOOPBACK }, generatorEcho);
  const answer = await libos.spawn(function* () {
    using client = yield* connect({ libos, port: server.addr.port });
    yield* client.push(bytes("hi"));
    return text(yield* client.pop());
  }());
  assertEquals(answer, "hi");
});

netTest("connect() fails with ConnectionRefused when nobody listens", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(
    async () => await connect({ libos, port }),
    Deno.errors.ConnectionRefused,
  );
  assertInstanceOf(error.cause, DemikernelError);
  assertEquals(error.cause.operation, "connect");
});

netTest("connect() fails with NotFound when there is no such Unix socket", async (libos) => {
  await assertRejects(
    async () => await connect({ libos, path: "/nonexistent/socket" }),
    Deno.errors.NotFound,
  );
});

const SENSELESS: Record<string, ConnectOptions> = {
  "an empty host name": { hostname: "", port: 1 },
  "brackets around what is no IPv6 address": { hostname: "[127.0.0.1]", port: 1 },
  "a port too large": { port: 65536 },
  "a port that is none": { port: NaN },
  "an empty path": { path: "" },
  "a path too long": { path: "x".repeat(200) },
};

for (const [what, options] of Object.entries(SENSELESS)) {
  netTest(`connect() throws, and holds nothing, when it is given ${what}`, (libos) => {
    const { code } = assertThrows(() => connect({ libos, ...options }), DemikernelError);
    assertEquals(["EINVAL", "ENAMETOOLONG"].includes(code), true, code);
    return Promise.resolve();
  });
}

/** Ways in which nobody gets the connection that was asked for. */
const LOST: Record<string, (libos: LibOS, options: ConnectOptions) => Promise<void>> = {
  "it is cancelled": (_libos, options) => {
    connect(options).cancel();
    return Promise.resolve();
  },
  "its signal is aborted": (_libos, options) => {
    const controller = new AbortController();
    connect({ ...options, signal: controller.signal });
    controller.abort();
    return Promise.resolve();
  },
  "its time is over": async (libos, options) => {
    connect({ ...options, timeout: 0 }).catch(() => {});
    await libos.operations.sleep(1);
  },
  "its coroutine is closed": async (libos, options) => {
    const began = Promise.withResolvers<void>();
    const coroutine = function* () {
      began.resolve();
      yield* connect(options);
    }();
    const spawned = libos.spawn(coroutine);
    await began.promise;
    coroutine.return();
    await within(spawned);
  },
};

for (const [what, lose] of Object.entries(LOST)) {
  netTest(`connect() holds nothing when ${what} before it is connected`, async (libos) => {
    await using other = open();
    using listener = listen({ libos: other, ...LOOPBACK, backlog: 1 });
    const { port } = listener.addr;
    // Two fill the backlog; what comes then gets no answer.
    for (let i = 0; i < 2; i++) await connect({ libos: other, port });
    const before = held(libos);
    await lose(libos, { libos, port });
    assertEquals(held(libos), before);
  });
}

netTest(
  "connect() holds nothing when its coroutine is closed after it was connected",
  async (libos) => {
    using listener = listen({ libos, ...LOOPBACK });
    const before = held(libos);
    const coroutine = function* () {
      yield* connect({ libos, port: listener.addr.port });
    }();
    const spawned = libos.spawn(coroutine);
    // It runs in the same turn, so that the other cannot go on in between.
    // deno-lint-ignore require-yield -- it must not wait
    const closed = libos.spawn(function* () {
      assertEquals(libos.statistics().pending, 1);
      while (libos.statistics().pending > 0) libos.poll();
      coroutine.return();
      assertEquals(held(libos), before);
    }());
    await within(Promise.all([spawned, closed]));
  },
);

netTest("connect() holds nothing when it is refused, and nobody has the result", async (libos) => {
  const listener = listen({ libos, ...LOOPBACK });
  const { port } = listener.addr;
  listener.close();
  connect({ libos, port }).catch(() => {});
  connect({ libos, path: "/nonexistent/socket" }).catch(() => {});
  while (libos.statistics().queues > 0) await libos.operations.sleep(1);
});

Deno.test("connect() is interrupted when its libOS is closed", async () => {
  const libos = open();
  await using other = open();
  using listener = listen({ libos: other, ...LOOPBACK, backlog: 1 });
  const { port } = listener.addr;
  for (let i = 0; i < 2; i++) await connect({ libos, port });
  const pending = assertRejects(
    async () => await connect({ libos, port }),
    Deno.errors.Interrupted,
  );
  await within(libos.exit());
  await within(pending);
});
