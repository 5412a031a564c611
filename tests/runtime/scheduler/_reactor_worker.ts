/**
 * A Worker that says whether its own thread's reactor has something to do, while that of the main thread has.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { setImmediate } from "node:timers/promises";
import { EpollParker } from "../../../libos/runtime/scheduler/epoll_parker.ts";
import { connectRaw } from "./_raw_connect.ts";

/** What the two threads tell each other: how far they are, and what was found. */
export const STAGE = { STARTED: 1, MAIN_HAS_SOMETHING: 2, OVER: 3 } as const;

self.onmessage = async ({ data }: MessageEvent<Int32Array>) => {
  const parker = new EpollParker();
  // Until it knows which of the epoll instances is its own.
  for (let i = 0; i < 5000; i++) {
    parker.hostIsReady();
    await setImmediate();
  }
  Atomics.store(data, 0, STAGE.STARTED);
  while (Atomics.load(data, 0) !== STAGE.MAIN_HAS_SOMETHING);
  let foreign = 0;
  for (let i = 0; i < 100; i++) if (parker.hostIsReady()) foreign++;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  await setImmediate();
  const close = connectRaw(listener.addr.port);
  const own = parker.hostIsReady();
  Atomics.store(data, 1, foreign);
  Atomics.store(data, 2, own ? 1 : 0);
  Atomics.store(data, 0, STAGE.OVER);
  (await accepted).close();
  close();
  listener.close();
  await parker.close();
  self.postMessage("closed");
};
