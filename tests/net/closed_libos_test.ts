/**
 * Servers whose libOS is closed: in every order, and at every moment, that ends them quietly.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connect,
  type Connection,
  datagram,
  DemikernelError,
  type Handler,
  type LibOS,
  listen,
  open,
  type Operation,
  serve,
  type Server,
} from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, ECHOES, generatorEcho, LOOPBACK, text } from "./_net.ts";

/** A server on a libOS of its own, and whoever may end it. */
interface Scene {
  readonly libos: LibOS;
  /** Another libOS, for clients. */
  readonly other: LibOS;
  readonly server: Server;
  readonly controller: AbortController;
  /** Clients of it, whose handlers have begun. */
  readonly clients: Connection[];
}

/** What ends a server, in each order. */
const ENDINGS: Record<string, (scene: Scene) => void> = {
  "is closed": ({ libos }) => void libos.exit(),
  "is closed after a shutdown": ({ libos, server }) => {
    void server.shutdown();
    void libos.exit();
  },
  "is closed before a shutdown": ({ libos, server }) => {
    void libos.exit();
    void server.shutdown();
  },
  "is closed after an abort": ({ libos, controller }) => {
    controller.abort();
    void libos.exit();
  },
  "is closed before an abort": ({ libos, controller }) => {
    void libos.exit();
    controller.abort();
  },
  "is closed, and the server is unref'd": ({ libos, server }) => {
    void libos.exit();
    server.unref();
    server.ref();
  },
};

/** When that happens. */
const MOMENTS: Record<string, (scene: Scene, end: () => void) => Promise<void> | void> = {
  "at once": (_, end) => end(),
  "in a microtask": async (_, end) => {
    await Promise.resolve();
    end();
  },
  "while it accepts": async ({ libos }, end) => {
    await libos.operations.sleep(1);
    end();
  },
  "in the turn in which it accepts": async ({ libos, other, server }, end) => {
    await libos.operations.sleep(1);
    const qd = other.socket("inet", "stream");
    const { port } = server.addr as Deno.NetAddr;
    // Blocks this thread, so that the first libOS learns of the connection afterwards.
    assertEquals(other.wait(other.connect(qd, { ...LOOPBACK, port })).opcode, "connect");
    // deno-lint-ignore require-yield -- it only has to run before the server goes on
    await libos.spawn(function* () {
      end();
    }());
  },
  "while handlers wait": async ({ other, server, clients }, end) => {
    const { port } = server.addr as Deno.NetAddr;
    for (const _ of HANDLERS) {
      const client = await connect({ libos: other, port });
      clients.push(client);
      await client.push(bytes("hi"));
      assertEquals(text(await client.pop()), "hi");
    }
    end();
  },
};

/** Waits for something, however it ends. */
async function ignore(operation: Operation<unknown>): Promise<void> {
  try {
    await operation;
  } catch {
    // The libOS was closed.
  }
}

/** What waits, each in its way, when a server ends; the first thing is an echo. */
const HANDLERS: Handler[] = [
  ...Object.values(ECHOES),
  async (connection) => {
    await connection.push((await connection.pop())!);
    await connection.libos.operations.sleep(60_000);
  },
  function* (connection) {
    yield* connection.push((yield* connection.pop())!);
    yield* connection.libos.operations.join(new Promise(() => {}));
  },
  async (connection) => {
    await connection.push((await connection.pop())!);
    await ignore(connection.pop());
    await connection.push(bytes("too late"));
  },
  async (connection) => {
    await connection.push((await connection.pop())!);
    await ignore(connection.pop());
    await connection.libos.operations.sleep(1);
  },
];

for (const [how, end] of Object.entries(ENDINGS)) {
  for (const [when, wait] of Object.entries(MOMENTS)) {
    Deno.test(`Server ends quietly when its libOS ${how}, ${when}`, async () => {
      const errors: unknown[] = [];
      const libos = open();
      await using other = open();
      const controller = new AbortController();
      let handlers = 0;
      const options = {
        libos,
        ...LOOPBACK,
        signal: controller.signal,
        onError: (error: unknown) => errors.push(error),
      };
      const server = serve(options, (connection) => HANDLERS[handlers++]!(connection));
      const scene = { libos, other, server, controller, clients: [] };
      await wait(scene, () => end(scene));
      await within(server.finished);
      await libos.exit();
      assertEquals(errors, []);
      assertEquals(server.connections, 0);
    });
  }
}

Deno.test("Server ends quietly when onListen closes its libOS", async () => {
  const libos = open();
  const server = serve({ libos, ...LOOPBACK, onListen: () => void libos.exit() }, generatorEcho);
  await within(server.finished);
});

for (const [kind, echo] of Object.entries(ECHOES)) {
  Deno.test(`Server ends quietly when a handler closes its libOS and goes on as a ${kind}`, async () => {
    const errors: unknown[] = [];
    const libos = open();
    const server = serve(
      { libos, ...LOOPBACK, onError: (error) => errors.push(error) },
      (connection) => {
        void libos.exit();
        return echo(connection);
      },
    );
    await using other = open();
    using _ = await connect({ libos: other, port: server.addr.port });
    await within(server.finished);
    assertEquals(errors, []);
  });
}

Deno.test("Server tells of a handler's own mistake although its libOS was closed", async () => {
  const errors: unknown[] = [];
  const libos = open();
  const server = serve(
    { libos, ...LOOPBACK, onError: (error) => errors.push((error as Error).message) },
    async (connection) => {
      await ignore(connection.pop());
      throw new Error("mine");
    },
  );
  await using other = open();
  using _ = await connect({ libos: other, port: server.addr.port });
  while (server.connections === 0) await libos.operations.sleep(1);
  await libos.exit();
  await within(server.finished);
  assertEquals(errors, ["mine"]);
});

Deno.test("serve() throws when its libOS was closed before", async () => {
  const libos = open();
  await libos.exit();
  const { code } = assertThrows(
    () => serve({ libos, ...LOOPBACK }, generatorEcho),
    DemikernelError,
  );
  assertEquals(code, "ENODEV");
});

Deno.test("a libOS by name that somebody closed is opened anew", async () => {
  const server = serve(LOOPBACK, (connection) => void connection.libos.exit());
  const client = await connect({ port: server.addr.port });
  await within(server.finished);
  await assertRejects(async () => await client.pop(), Deno.errors.BadResource);
  await using again = serve(LOOPBACK, generatorEcho);
  using other = await connect({ port: again.addr.port });
  await other.push(bytes("hi"));
  assertEquals(text(await other.pop()), "hi");
  client.close();
});

Deno.test("iterations end when their libOS is closed", async () => {
  const libos = open();
  const listener = listen({ libos, ...LOOPBACK });
  const [client] = await Promise.all([
    connect({ libos, port: listener.addr.port }),
    listener.accept(),
  ]);
  const socket = datagram({ libos });
  const iterations = [listener, client, socket].map(async (one) => {
    try {
      for await (const _ of one) return "something came";
      return "end";
    } catch (error) {
      return String(error);
    }
  });
  await libos.operations.sleep(5);
  await libos.exit();
  assertEquals(await within(Promise.all(iterations)), ["end", "end", "end"]);
});
