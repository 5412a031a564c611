/**
 * What a server prints of its handlers' ends when there is no `onError`.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { stub } from "@std/testing/mock";
import {
  connect,
  type Connection,
  DemikernelError,
  type LibOS,
  listen,
  open,
  serve,
  type ServeOptions,
} from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, countToEnd, LOOPBACK, makePair, netTest } from "./_net.ts";

/** Calls a function, and gives what was printed as an error meanwhile: errors have stacks, texts are lines. */
async function printed(call: () => Promise<void>): Promise<unknown[]> {
  using print = stub(console, "error", () => {});
  await call();
  return print.calls.flatMap(({ args }) => args);
}

type AsyncHandler = (connection: Connection) => Promise<void>;

/** Serves one client with a handler that ends by itself, and gives what is printed of that. */
function printedBy(
  libos: LibOS,
  handler: AsyncHandler,
  visit: (client: Connection) => void = () => {},
  onError?: ServeOptions["onError"],
): Promise<unknown[]> {
  return printed(async () => {
    const ended = Promise.withResolvers<void>();
    const options = { libos, ...LOOPBACK, ...(onError === undefined ? {} : { onError }) };
    await using server = serve(options, async (connection) => {
      try {
        await handler(connection);
      } finally {
        ended.resolve();
      }
    });
    using client = await connect({ libos, port: server.addr.port });
    visit(client);
    await within(ended.promise);
  });
}

/** Closes a connection with a reset. */
function reset(connection: Connection): void {
  connection.libos.setsockopt(connection.qd, "linger", 0);
  connection.close();
}

/** Waits for what never comes, until that fails. */
async function waitFor(connection: Connection): Promise<void> {
  await countToEnd(connection);
}

/** Handlers that their own peer ends, or nobody does anything about it. */
const QUIET: Record<string, [AsyncHandler, (client: Connection) => void]> = {
  "its peer resets the connection while it pops": [waitFor, reset],
  "its peer resets the connection while it pushes": [
    async (connection) => {
      for (;;) await connection.push(bytes("x".repeat(100_000)));
    },
    reset,
  ],
  "its peer resets the connection, and it throws that on": [
    async (connection) => {
      const pops = await Promise.allSettled([connection.pop(), connection.pop()]);
      for (const pop of pops) if (pop.status === "rejected") throw pop.reason;
    },
    reset,
  ],
  "its peer says nothing for as long as a pop waits": [
    async (connection) => void await connection.pop({ timeout: 1 }),
    () => {},
  ],
};

for (const [when, [handler, visit]] of Object.entries(QUIET)) {
  netTest(`serve() prints nothing of a handler when ${when}`, async (libos) => {
    assertEquals(await printedBy(libos, handler, visit), []);
  });
}

netTest(
  "serve() prints nothing of a generator whose peer says nothing for too long",
  async (libos) => {
    const values = await printed(async () => {
      await using server = serve({ libos, ...LOOPBACK }, function* (connection) {
        yield* connection.pop({ timeout: 1 });
      });
      using client = await connect({ libos, port: server.addr.port });
      assertEquals(await client.pop({ timeout: 2000 }), null);
    });
    assertEquals(values, []);
  },
);

/** Handlers that end by what the network did elsewhere, and the line that tells of it. */
const LINES: Record<string, [AsyncHandler, RegExp]> = {
  "another connection is reset": [
    async ({ libos }) => {
      using owned = new DisposableStack();
      const [one, other] = await makePair(libos, owned);
      reset(other);
      await one.pop();
    },
    /^ConnectionReset: Cannot pop: .*\(ECONNRESET, qd \d+\)$/,
  ],
  "a connection of another libOS, with the same qd, is reset": [
    async (connection) => {
      await using libos = open();
      using owned = new DisposableStack();
      while (libos.queue() < connection.qd - 2);
      const [one, other] = await makePair(libos, owned);
      const same = [one, other].find(({ qd }) => qd === connection.qd)!;
      reset(same === one ? other : one);
      await same.pop();
    },
    /^ConnectionReset: Cannot pop: .*\(ECONNRESET, qd \d+\)$/,
  ],
  "another connection's peer says nothing for too long": [
    async ({ libos }) => {
      using owned = new DisposableStack();
      const [one] = await makePair(libos, owned);
      await one.pop({ timeout: 1 });
    },
    /^TimedOut: Cannot pop: .*\(ETIMEDOUT, qd \d+\)$/,
  ],
  "another server refuses": [
    async ({ libos }) => {
      const listener = listen({ libos, ...LOOPBACK });
      listener.close();
      await connect({ libos, port: listener.addr.port });
    },
    /^ConnectionRefused: Cannot connect: .*\(ECONNREFUSED, qd \d+\)$/,
  ],
  "its peer does not take what is pushed, which is lost": [
    async (connection) => {
      await connection.push(connection.libos.alloc(64 * 1024 * 1024), { timeout: 1 });
    },
    /^TimedOut: Cannot push: .*\(ETIMEDOUT, qd \d+\)$/,
  ],
  "the signal of a pop is one of AbortSignal.timeout()": [
    async (connection) => void await connection.pop({ signal: AbortSignal.timeout(1) }),
    /^TimeoutError: .*$/,
  ],
};

for (const [when, [handler, line]] of Object.entries(LINES)) {
  netTest(`serve() prints one line of a handler when ${when}`, async (libos) => {
    const values = await printedBy(libos, handler);
    assertEquals(values.length, 1);
    assertMatch(values[0] as string, line);
  });
}

netTest("serve() prints the reset of an earlier connection that had the same qd", async (libos) => {
  await using other = open();
  const qds: number[] = [];
  let earlier: unknown;
  const values = await printed(async () => {
    await using server = serve({ libos, ...LOOPBACK }, async (connection) => {
      qds.push(connection.qd);
      if (earlier !== undefined) throw earlier;
      try {
        await connection.pop();
      } catch (error) {
        throw earlier = error;
      }
    });
    const { port } = server.addr;
    reset(await connect({ libos: other, port }));
    while (earlier === undefined || server.connections > 0) await libos.operations.sleep(1);
    using client = await connect({ libos: other, port });
    assertEquals(await client.pop({ timeout: 2000 }), null);
  });
  assertEquals(qds[0], qds[1]);
  assertEquals(values, [String(earlier)]);
});

/** Handlers that end by a mistake of their own. */
const MISTAKES: Record<string, [AsyncHandler, (error: unknown) => boolean]> = {
  "throws": [() => Promise.reject(new TypeError("mine")), (error) => error instanceof TypeError],
  "gives a timeout that is none": [
    async (connection) => void await connection.pop({ timeout: -1 }),
    (error) => error instanceof DemikernelError,
  ],
  "pushes after it closed the write side": [
    async (connection) => {
      connection.closeWrite();
      await connection.push(bytes("x"));
    },
    (error) => error instanceof Deno.errors.BrokenPipe,
  ],
  "wraps what its peer did in an error of its own": [
    async (connection) => {
      try {
        await connection.pop({ timeout: 1 });
      } catch (cause) {
        throw new Error("mine", { cause });
      }
    },
    (error) => error instanceof Error && error.message === "mine",
  ],
};

for (const [what, [handler, isIt]] of Object.entries(MISTAKES)) {
  netTest(`serve() prints the error, with its stack, when a handler ${what}`, async (libos) => {
    const values = await printedBy(libos, handler);
    assertEquals(values.map(isIt), [true]);
  });
}

/** What an `onError` does that is no good. */
const UNKIND: Record<string, NonNullable<ServeOptions["onError"]>> = {
  "throws": () => {
    throw new Error("worse");
  },
  "rejects": () => Promise.reject(new Error("worse")),
};

for (const [what, onError] of Object.entries(UNKIND)) {
  netTest(`serve() prints the error, and goes on, when onError ${what}`, async (libos) => {
    const mine = () => Promise.reject(new Error("mine"));
    for (let i = 0; i < 2; i++) {
      const values = await printedBy(libos, mine, () => {}, onError);
      assertEquals(values.map(String), ["Error: worse"]);
    }
  });
}

netTest("serve() prints the departure of a peer when onError throws it", async (libos) => {
  const onError = (error: unknown) => {
    throw error;
  };
  const values = await printedBy(libos, waitFor, reset, onError);
  assertEquals(values.length, 1);
  assertMatch(values[0] as string, /^ConnectionReset: /);
});
