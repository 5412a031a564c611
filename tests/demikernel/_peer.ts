/**
 * The other process of the tests across processes.
 *
 * `push NAME SIZE` pushes so many bytes into a pipe, and closes it; `die NAME` pushes into it and ends without
 * closing; `connect PORT COUNT` connects over catloop, so many times at once, and makes a round trip on each.
 *
 * @module
 */

import { open } from "../../libos/open.ts";
import { pattern, receiveAll, send } from "./_sockets.ts";

const [action, target, count] = Deno.args as [string, string, string];

async function push(): Promise<void> {
  await using libos = open("demikernel:catmem");
  const from = libos.pipe(target, "push");
  await send(libos, from, pattern(Number(count)));
  libos.close(from);
}

async function die(): Promise<void> {
  const libos = open("demikernel:catmem");
  await send(libos, libos.pipe(target, "push"), pattern(10));
  Deno.exit(0);
}

async function connect(): Promise<void> {
  await using libos = open("demikernel:catloop");
  await Promise.all(Array.from({ length: Number(count) }, async (_, i) => {
    const qd = libos.socket("inet", "stream");
    await libos.operations.connect(qd, { hostname: "127.0.0.1", port: Number(target) });
    await send(libos, qd, pattern(100, i));
    const bytes = await receiveAll(libos, qd, 100);
    if (bytes.some((byte, at) => byte !== pattern(100, i)[at])) throw new Error("a wrong echo");
    libos.close(qd);
  }));
}

await ({ push, die, connect } as Record<string, () => Promise<void>>)[action]!();
