import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { getEventListeners } from "node:events";
import {
  connect,
  datagram,
  DemikernelError,
  type LibOS,
  listen,
  type Operation,
  type OperationOptions,
} from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, held, LOOPBACK, makePair, netTest, text } from "./_net.ts";

/** Something that waits for ever, as nobody ever answers. */
type Start = (options: OperationOptions) => Operation<unknown>;

/** What can be bounded, each over what a test owns. */
const BOUNDED: Record<string, (libos: LibOS, owned: DisposableStack) => Promise<Start>> = {
  "Connection.pop()": async (libos, owned) => {
    const [client] = await makePair(libos, owned);
    return (options) => client.pop(options);
  },
  "Connection.push()": async (libos, owned) => {
    const [client] = await makePair(libos, owned);
    const full = client.push(libos.alloc(32 * 1024 * 1024));
    owned.defer(() => full.then(() => {}, () => {}));
    return (options) => client.push(bytes("x"), options);
  },
  "Listener.accept()": (libos, owned) => {
    const listener = owned.use(listen({ libos, ...LOOPBACK }));
    return Promise.resolve((options) => listener.accept(options));
  },
  "Datagram.pop()": (libos, owned) => {
    const socket = owned.use(datagram({ libos }));
    return Promise.resolve((options) => socket.pop(options));
  },
  "connect()": async (libos, owned) => {
    const listener = owned.use(listen({ libos, ...LOOPBACK, backlog: 1 }));
    const { port } = listener.addr;
    // Two fill the backlog; what comes then gets no answer.
    for (let i = 0; i < 2; i++) owned.use(await connect({ libos, port }));
    return (options) => connect({ libos, port, ...options });
  },
};

for (const [what, prepare] of Object.entries(BOUNDED)) {
  netTest(`${what} fails with TimedOut when its time is over`, async (libos) => {
    using owned = new DisposableStack();
    const start = await prepare(libos, owned);
    const error = await assertRejects(
      async () => await within(Promise.resolve(start({ timeout: 1 }))),
      Deno.errors.TimedOut,
    );
    assertEquals((error as { code?: string }).code, "ETIMEDOUT");
  });

  netTest(`${what} fails with the reason when the signal is aborted meanwhile`, async (libos) => {
    using owned = new DisposableStack();
    const start = await prepare(libos, owned);
    const controller = new AbortController();
    const { signal } = controller;
    const rejected = assertRejects(
      async () => await within(Promise.resolve(start({ signal }))),
      Error,
      "mine",
    );
    assertEquals(getEventListeners(signal, "abort").length, 1);
    controller.abort(new Error("mine"));
    await rejected;
    assertEquals(getEventListeners(signal, "abort").length, 0);
  });

  netTest(
    `${what} throws the reason, and nothing happens, when the signal was aborted before`,
    async (libos) => {
      using owned = new DisposableStack();
      const start = await prepare(libos, owned);
      const before = held(libos);
      const signal = AbortSignal.abort(new Error("mine"));
      assertThrows(() => start({ signal }), Error, "mine");
      assertEquals(held(libos), before);
    },
  );

  netTest(`${what} throws, and nothing happens, when the timeout makes no sense`, async (libos) => {
    using owned = new DisposableStack();
    const start = await prepare(libos, owned);
    const before = held(libos);
    for (const timeout of [-1, NaN, "5", 5n, null]) {
      const { code } = assertThrows(
        () => start({ timeout: timeout as number }),
        DemikernelError,
      );
      assertEquals(code, "EINVAL");
    }
    assertEquals(held(libos), before);
  });
}

netTest(
  "Connection.pop() in a coroutine throws when its time is over, and loses nothing",
  async (libos) => {
    using owned = new DisposableStack();
    const listener = owned.use(listen({ libos, ...LOOPBACK }));
    const client = owned.use(await connect({ libos, port: listener.addr.port }));
    const server = owned.use(await listener.accept());
    const answer = await within(libos.spawn(function* () {
      try {
        yield* server.pop({ timeout: 1 });
      } catch (error) {
        if (!(error instanceof Deno.errors.TimedOut)) throw error;
      }
      yield* client.push(bytes("late"));
      return text(yield* server.pop({ timeout: 1000 }));
    }()));
    assertEquals(answer, "late");
  },
);

netTest("Connection.pop() leaves nothing on the signal when it is over", async (libos) => {
  using owned = new DisposableStack();
  const [client, server] = await makePair(libos, owned);
  const controller = new AbortController();
  const { signal } = controller;
  const pop = server.pop({ signal });
  await client.push(bytes("a"), { signal });
  assertEquals(text(await pop), "a");
  assertEquals(getEventListeners(signal, "abort").length, 0);
  controller.abort();
  await client.push(bytes("b"));
  assertEquals(text(await server.pop()), "b");
});

netTest("Datagram.push() sends nothing when the signal was aborted before", async (libos) => {
  using socket = datagram({ libos });
  const signal = AbortSignal.abort(new Error("mine"));
  assertThrows(() => socket.push(bytes("x"), socket.addr, { signal }), Error, "mine");
  await assertRejects(async () => await socket.pop({ timeout: 5 }), Deno.errors.TimedOut);
});
