/**
 * Deno's own event loop beside a busy server.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { connect, type LibOS, serve } from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, generatorEcho, LOOPBACK, netTest } from "./_net.ts";

/** Keeps a server busy with echoes, in coroutines that never rest, until told to stop. */
async function keepBusy(libos: LibOS, port: number): Promise<() => Promise<void>> {
  let stopped = false;
  const clients = Array.from({ length: 4 }, () =>
    libos.spawn(function* () {
      using client = yield* connect({ libos, port });
      while (!stopped) {
        yield* client.push(bytes("x"));
        (yield* client.pop())?.free();
      }
    }()));
  await libos.operations.sleep(1);
  return async () => {
    stopped = true;
    await Promise.all(clients);
  };
}

const LIVES: Record<string, () => Promise<void>> = {
  async "timers"() {
    const order: number[] = [];
    await Promise.all([3, 1, 2].map((time) =>
      new Promise<void>((resolve) => {
        setTimeout(() => {
          order.push(time);
          resolve();
        }, 5 * time);
      })
    ));
    assertEquals(order, [1, 2, 3]);
  },
  async "signals"() {
    const { promise, resolve } = Promise.withResolvers<void>();
    Deno.addSignalListener("SIGUSR2", resolve);
    Deno.kill(Deno.pid, "SIGUSR2");
    await promise;
    Deno.removeSignalListener("SIGUSR2", resolve);
  },
  async "fetch() and Deno.serve()"() {
    const server = Deno.serve({ ...LOOPBACK, onListen() {} }, () => new Response("hello"));
    const response = await fetch(`http://127.0.0.1:${server.addr.port}/`);
    assertEquals(await response.text(), "hello");
    await server.shutdown();
  },
  async "sockets"() {
    using listener = Deno.listen(LOOPBACK);
    const accepted = listener.accept();
    using client = await Deno.connect({ ...LOOPBACK, port: listener.addr.port });
    using server = await accepted;
    await client.write(bytes("hello"));
    assertEquals(await server.read(new Uint8Array(8)), 5);
  },
  async "files and processes"() {
    const { stdout } = await new Deno.Command("cat", { args: ["/proc/self/comm"] }).output();
    assertEquals(new TextDecoder().decode(stdout).trim(), "cat");
  },
};

for (const idle of ["adaptive", "spin", "park"] as const) {
  for (const [what, live] of Object.entries(LIVES)) {
    netTest(`Deno's ${what} work beside a busy server when it is ${idle}`, async (libos) => {
      await using server = serve({ libos, ...LOOPBACK }, generatorEcho);
      const stop = await keepBusy(libos, server.addr.port);
      await within(live());
      await stop();
    }, { idle });

    netTest(`Deno's ${what} work beside an idle server when it is ${idle}`, async (libos) => {
      await using _ = serve({ libos, ...LOOPBACK }, generatorEcho);
      await within(live());
    }, { idle });
  }
}
