/**
 * More than one libOS: in one process, in Workers, and in several processes.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, serve } from "../../libos/net/mod.ts";
import { type LibOSName, open } from "../../libos/open.ts";
import type { LibOS } from "../../libos/pdpix.ts";
import { assertCode } from "../runtime/_assert.ts";
import type { Task } from "./_worker.ts";
import { runChildren, testScenarios } from "./_scenarios.ts";
import { outcome, pattern, receive, receiveAll, send } from "./_sockets.ts";

/** Runs the other process, and fails if that does. */
async function peer(...args: string[]): Promise<void> {
  const program = new URL("_peer.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  const { code, stderr } = await command.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

/** Runs a Worker, and gives what it says. */
async function inWorker(task: Task): Promise<number> {
  const worker = new Worker(new URL("_worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(task);
    });
  } finally {
    worker.terminate();
  }
}

/** A relay from sockets of one libOS into a pipe of another, in one coroutine. */
async function relay(native: LibOS, own: LibOS): Promise<void> {
  const name = `several-${Deno.pid}-${crypto.randomUUID()}`;
  const to = native.pipe(name, "pop");
  const from = native.pipe(name, "push");
  const server = serve({ libos: own, port: 0 }, async (connection) => {
    for await (const sga of connection) await send(native, from, sga.bytes());
  });
  using connection = await connect({ libos: own, port: server.addr.port });
  for (let i = 0; i < 100; i++) {
    await connection.push(pattern(64, i));
    assertEquals(await receiveAll(native, to, 64), pattern(64, i));
  }
  connection.close();
  await server.shutdown();
  native.close(from);
  assertEquals(await receive(native, to), null);
  native.close(to);
}

testScenarios(import.meta, "catmem", {
  async "open() gives a TypeScript and a native libOS at once, each with a scheduler"(libos) {
    await using own = open("catnap");
    await relay(libos, own);
  },

  async "open() gives both beside each other, with one scheduler"(libos) {
    await using own = open("catnap");
    await relay(libos, own);
  },

  async "waiting on one of two that share a scheduler serves the other"(libos) {
    const own = open("catnap");
    const name = `several-${Deno.pid}-wait`;
    const to = libos.pipe(name, "pop");
    const from = libos.pipe(name, "push");
    const queue = own.queue();
    const popped = own.pop(queue);
    own.wait(own.push(queue, own.alloc(3)));
    const pushed = libos.push(from, libos.alloc(4));
    const first = own.wait(popped);
    const second = libos.wait(libos.pop(to));
    libos.wait(pushed);
    for (const [completion, length] of [[first, 3], [second, 4]] as const) {
      assert(completion.opcode === "pop");
      assertEquals(completion.sga!.length, length);
      completion.sga!.free();
    }
    for (const qd of [from, to]) libos.close(qd);
    assertEquals((await own.exit()).openQueues, 1);
  },

  "open() refuses a second native libOS on one thread with EBUSY, and says what helps"() {
    for (const name of ["demikernel:catmem", "demikernel:catnap", "demikernel:catloop"]) {
      const error = assertCode("EBUSY", () => open(name as LibOSName));
      assertMatch(error.message, /Worker/);
    }
  },

  async "open() gives the same libOS again, and no other, when it was closed"(libos) {
    const qd = libos.pipe(`several-${Deno.pid}-again`, "pop");
    const pending = outcome(libos.operations.pop(qd));
    assertEquals((await libos.exit()).openQueues, 1);
    assertEquals(await pending, "ECANCELED");
    assertMatch(assertCode("EBUSY", () => open("demikernel:catnap")).message, /stays/);
    const configuration = { address: "127.0.0.2" };
    assertCode("EBUSY", () => open({ libos: "demikernel:catmem", configuration }));
    for (let i = 0; i < 20; i++) {
      await using again = open("demikernel:catmem");
      const to = again.pipe(`several-${Deno.pid}-again`, "pop");
      const from = again.pipe(`several-${Deno.pid}-again`, "push");
      await send(again, from, pattern(7, i));
      assertEquals(await receive(again, to), pattern(7, i));
    }
  },

  async "two native libOSes in two Workers run at the same time, alike or not"() {
    const pairs = [["catnap", "catnap"], ["catnap", "catmem"], ["catloop", "catmem"]] as const;
    for (const pair of pairs) {
      const right = await Promise.all(pair.map((libos) => inWorker({ libos, rounds: 200 })));
      assertEquals(right, [201, 201]);
    }
  },

  async "a Worker has another libOS than the thread that made it"(libos) {
    const to = libos.pipe(`several-${Deno.pid}-main`, "pop");
    const popped = receive(libos, to);
    assertEquals(await inWorker({ libos: "catnap", rounds: 50 }), 51);
    const from = libos.pipe(`several-${Deno.pid}-main`, "push");
    await send(libos, from, pattern(5));
    assertEquals(await popped, pattern(5));
    for (const qd of [from, to]) libos.close(qd);
  },

  async "a pipe goes from one process to another, and so does its end"(libos) {
    for (const size of [10, 300_000]) {
      const name = `several-${Deno.pid}-${size}`;
      const to = libos.pipe(name, "pop");
      const [bytes] = await Promise.all([
        receiveAll(libos, to, size),
        peer("push", name, String(size)),
      ]);
      assertEquals(bytes, pattern(size));
      assertEquals(await receive(libos, to), null);
      libos.close(to);
    }
  },

  async "a pipe outlives the process of its pusher, which told no end"(libos) {
    const name = `several-${Deno.pid}-die`;
    const to = libos.pipe(name, "pop");
    await peer("die", name);
    assertEquals(await receive(libos, to), pattern(10));
    const from = libos.pipe(name, "push");
    await send(libos, from, pattern(3));
    assertEquals(await receive(libos, to), pattern(3));
    for (const qd of [from, to]) libos.close(qd);
  },
});

testScenarios(import.meta, "catloop", {
  async "serve() has connections from one process after the other"(libos) {
    const server = serve({ libos, port: 0 }, function* (connection) {
      for (let sga; (sga = yield* connection.pop()) !== null;) yield* connection.push(sga);
    });
    const { port } = server.addr;
    for (let i = 0; i < 3; i++) await peer("connect", String(port), "1");
    await server.shutdown();
  },
});

await runChildren();
