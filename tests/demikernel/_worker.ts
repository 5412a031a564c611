/**
 * A Worker with a native libOS of its own: makes round trips, and tells how many.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { open } from "../../libos/open.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { connected, pattern, receive, send } from "./_sockets.ts";

/** What a Worker is told: a libOS, and how many round trips. */
export interface Task {
  readonly libos: "catnap" | "catmem" | "catloop";
  readonly rounds: number;
}

async function ends(libos: LibOS): Promise<{ from: number; to: number }> {
  if (libos.capabilities.pipes) {
    const name = `worker-${Deno.pid}-${crypto.randomUUID()}`;
    const to = libos.pipe(name, "pop");
    return { from: libos.pipe(name, "push"), to };
  }
  const { client, server } = await connected(libos);
  return { from: client, to: server };
}

self.onmessage = async ({ data }: MessageEvent<Task>) => {
  await using libos = open({ libos: data.libos, provider: "demikernel" });
  const { from, to } = await ends(libos);
  let right = 0;
  for (let i = 0; i < data.rounds; i++) {
    await send(libos, from, pattern(64, i));
    const bytes = await receive(libos, to);
    if (bytes?.length === 64 && bytes[0] === pattern(1, i)[0]) right++;
  }
  libos.close(from);
  if (await receive(libos, to) === null) right++;
  libos.close(to);
  self.postMessage(right);
};
