/**
 * Whether Deno has something to do, on the main thread and in a Worker.
 *
 * @module
 */

import "../../_preload.ts";
import { setImmediate } from "node:timers/promises";
import { assertEquals } from "@std/assert";
import { EpollParker } from "../../../libos/runtime/scheduler/epoll_parker.ts";
import { within } from "../_assert.ts";
import { connectRaw } from "./_raw_connect.ts";
import { STAGE } from "./_reactor_worker.ts";

/** Has Deno wait for a connection, and then have it: from then on its reactor has something to do. */
async function withSomethingToDo(check: () => void): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  await setImmediate();
  const close = connectRaw(listener.addr.port);
  check();
  (await accepted).close();
  close();
}

Deno.test("EpollParker.hostIsReady() is true from when Deno has something to do until it did it", async () => {
  const parker = new EpollParker();
  for (let i = 0; i < 20; i++) {
    const seen: boolean[] = [];
    await withSomethingToDo(() => seen.push(parker.hostIsReady(), parker.hostIsReady()));
    // What else there was is done by then.
    const end = performance.now() + 5000;
    while (parker.hostIsReady() && performance.now() < end) await setImmediate();
    seen.push(parker.hostIsReady());
    assertEquals(seen, [true, true, false]);
  }
  await parker.close();
});

Deno.test("EpollParker.doze() ends at once when Deno has something to do", async () => {
  const parker = new EpollParker();
  await withSomethingToDo(() => {
    const before = performance.now();
    parker.doze(10_000);
    assertEquals(performance.now() - before < 5000, true);
  });
  await parker.close();
});

Deno.test("EpollParker.hostIsReady() in a Worker tells of the Worker's thread alone", async () => {
  const shared = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(new URL("_reactor_worker.ts", import.meta.url), { type: "module" });
  const closed = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage(shared);
  while (Atomics.load(shared, 0) !== STAGE.STARTED) await setImmediate();
  await withSomethingToDo(() => {
    Atomics.store(shared, 0, STAGE.MAIN_HAS_SOMETHING);
    while (Atomics.load(shared, 0) !== STAGE.OVER);
  });
  await within(closed, 10);
  worker.terminate();
  const [, foreign, own] = shared;
  assertEquals({ foreign, own }, { foreign: 0, own: 1 });
});

Deno.test("EpollParker.hostIsReady() finds the reactor of a Worker that began when many files were open", async () => {
  const files = Array.from({ length: 1100 }, () => Deno.openSync("/dev/null"));
  try {
    const shared = new Int32Array(new SharedArrayBuffer(12));
    const worker = new Worker(new URL("_reactor_worker.ts", import.meta.url), { type: "module" });
    const closed = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage(shared);
    while (Atomics.load(shared, 0) !== STAGE.STARTED) await setImmediate();
    Atomics.store(shared, 0, STAGE.MAIN_HAS_SOMETHING);
    while (Atomics.load(shared, 0) !== STAGE.OVER) await setImmediate();
    await within(closed, 10);
    worker.terminate();
    assertEquals(shared[2], 1);
  } finally {
    for (const file of files) file.close();
  }
});
