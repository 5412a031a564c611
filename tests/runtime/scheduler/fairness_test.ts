/**
 * A coroutine that never finds an operation that is not ready already does not starve anything else.
 *
 * @module
 */

import "../../_preload.ts";
import { assertEquals } from "@std/assert";
import { open } from "../../../libos/open.ts";
import { within } from "../_assert.ts";
import type { Coroutine, LibOS } from "../../../libos/pdpix.ts";

/** How long a busy coroutine goes on at most, in milliseconds; it gives up sooner only if it was fair. */
const PATIENCE = 500;

type Busy = (libos: LibOS, over: () => boolean) => Coroutine<boolean> | Promise<boolean>;

/** Pushes to an in-memory queue and pops from it; says whether something else came to go on meanwhile. */
function* memory(libos: LibOS, over: () => boolean): Coroutine<boolean> {
  const qd = libos.queue();
  const end = performance.now() + PATIENCE;
  while (performance.now() < end) {
    if (over()) return true;
    yield* libos.operations.push(qd, libos.alloc(8));
    (yield* libos.operations.pop(qd))!.free();
  }
  return false;
}

/** Sends datagrams to itself, of which the kernel drops what is too many. */
function* datagrams(libos: LibOS, over: () => boolean): Coroutine<boolean> {
  const qd = libos.socket("inet", "dgram");
  libos.bind(qd, { hostname: "127.0.0.1", port: 0 });
  const address = libos.getsockname(qd);
  const end = performance.now() + PATIENCE;
  while (performance.now() < end) {
    if (over()) return true;
    yield* libos.operations.pushTo(qd, libos.alloc(8), address);
  }
  return false;
}

const COROUTINES: readonly Busy[] = [memory, datagrams];

/** Runs a busy coroutine next to something that says when it came to go on. */
async function race(busy: Busy, other: (libos: LibOS) => Promise<unknown>): Promise<boolean> {
  await using libos = open({ libos: "catnap", idle: "park" });
  let over = false;
  const done = other(libos).then(() => over = true);
  const fair = await within(
    Promise.resolve(libos.spawn(busy(libos, () => over) as Coroutine<boolean>)),
  );
  await done;
  return fair;
}

for (const busy of COROUTINES) {
  Deno.test(`a coroutine busy with ${busy.name} does not starve another coroutine`, async () => {
    const other = function* (): Coroutine {};
    assertEquals(
      await race(busy, (libos) => Promise.resolve().then(() => libos.spawn(other()))),
      true,
    );
  });

  Deno.test(`a coroutine busy with ${busy.name} does not starve timers`, async () => {
    assertEquals(
      await race(busy, (libos) =>
        libos.spawn(function* (): Coroutine {
          yield* libos.operations.sleep(1);
        }())),
      true,
    );
  });

  Deno.test(`a coroutine busy with ${busy.name} does not starve setTimeout`, async () => {
    const timeout = () => new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(await race(busy, timeout), true);
  });

  Deno.test(`a coroutine busy with ${busy.name} does not starve Deno's own sockets`, async () => {
    const exchange = async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const [server, client] = await Promise.all([
        listener.accept(),
        Deno.connect({ port: listener.addr.port, hostname: "127.0.0.1" }),
      ]);
      await client.write(new Uint8Array(1));
      await server.read(new Uint8Array(1));
      client.close();
      server.close();
    };
    assertEquals(await race(busy, exchange), true);
  });
}
