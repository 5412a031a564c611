/**
 * catnap over Deno's sockets, beside what the contract asks of it.
 *
 * @module
 */

import "../_preload.ts";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DemikernelError } from "../../libos/error.ts";
import { open } from "../../libos/open.ts";
import { pair, push, runProgram } from "./_deno.ts";

const ECHO = `
  const loopback = { hostname: "127.0.0.1", port: 0 };
  await using server = serve(loopback, function* (connection) {
    for (let sga; (sga = yield* connection.pop()) !== null;) yield* connection.push(sga);
  });
  using connection = await connect({ port: server.addr.port });
  await connection.push(new TextEncoder().encode("ping"));
  using reply = await connection.pop({ timeout: 5000 });
  console.log(new TextDecoder().decode(reply.bytes()));
`;

Deno.test("open() takes deno:catnap by its name, and by its provider", async () => {
  for (const options of [{ libos: "deno:catnap" }, { provider: "deno" }] as const) {
    await using libos = open(options);
    assertEquals([libos.name, libos.provider], ["catnap", "deno"]);
    assertEquals(libos.capabilities.blocks, false);
  }
  const wrong = { libos: "deno:catnap", provider: "typescript" } as const;
  assertEquals(assertThrows(() => open(wrong), DemikernelError).code, "EINVAL");
});

Deno.test("a program that chooses nothing runs on Deno's sockets where FFI is denied, and says so once", async () => {
  const { code, stdout, stderr } = await runProgram(ECHO, "-A", "--deny-ffi");
  assertEquals([code, stdout], [0, "ping\n"]);
  assertEquals(stderr.trim().split("\n").length, 1, stderr);
  assertStringIncludes(stderr, "Deno's own sockets are used instead.");
});

Deno.test("open() of deno:catnap asks for no FFI, and a timer of the scheduler's ends the wait", async () => {
  const code = `
    await using libos = open("deno:catnap");
    await libos.operations.sleep(5);
    const pop = libos.operations.pop(libos.queue()).within({ timeout: 5 });
    console.log(await pop.catch((error) => error.code));
  `;
  const { stdout, stderr } = await runProgram(code);
  assertEquals({ stdout, stderr }, { stdout: "ETIMEDOUT\n", stderr: "" });
});

Deno.test("connect() rejects with NotCapable without the permission for that host", async () => {
  const code = `
    await using libos = open("deno:catnap");
    const error = await connect({ libos, port: 7 }).catch((error) => error);
    console.log(error instanceof Deno.errors.NotCapable);
  `;
  const { stdout, stderr } = await runProgram(code, "--allow-net=192.0.2.1");
  assertEquals({ stdout, stderr }, { stdout: "true\n", stderr: "" });
});

Deno.test("datagram() is not supported without --unstable-net, and works with it", async () => {
  const code = `
    await using libos = open("deno:catnap");
    try {
      using a = datagram({ libos, hostname: "127.0.0.1", port: 0 });
      using b = datagram({ libos, hostname: "127.0.0.1", port: 0 });
      await a.push(new TextEncoder().encode("ping"), b.addr);
      using sga = await b.pop();
      console.log(new TextDecoder().decode(sga.bytes()));
    } catch (error) {
      console.log(error.code);
    }
  `;
  assertEquals((await runProgram(code, "--allow-net")).stdout, "ENOTSUP\n");
  assertEquals((await runProgram(code, "--allow-net", "--unstable-net")).stdout, "ping\n");
});

Deno.test("an unreferenced pop, and one that was cancelled, let the process end", async () => {
  const code = `
    const libos = open("deno:catnap");
    const server = serve({ libos, hostname: "127.0.0.1", port: 0 }, async (connection) => {
      await connection.pop();
    });
    server.unref();
    const connection = await connect({ libos, port: server.addr.port });
    const pop = connection.pop();
    pop.catch((error) => console.log(error.name));
    pop.cancel();
    connection.unref();
    void connection.pop();
    globalThis.addEventListener("unload", () => console.log("unload"));
  `;
  const { code: status, stdout } = await runProgram(code, "--allow-net");
  assertEquals([status, stdout], [0, "Interrupted\nunload\n"]);
});

Deno.test("wait() throws ENOTSUP for what is not over, and the token is as good as before", async () => {
  await using libos = open("deno:catnap");
  const [client, server] = await pair(libos);
  const qt = libos.pop(client);
  assertEquals(assertThrows(() => libos.wait(qt), DemikernelError).code, "ENOTSUP");
  assertEquals(assertThrows(() => libos.wait(qt, 0), DemikernelError).code, "ETIMEDOUT");
  await push(libos, server, 3);
  const sga = await libos.operation(qt) as Disposable & { readonly length: number };
  assertEquals(sga.length, 3);
  sga[Symbol.dispose]();
});

Deno.test("what is not popped stays in the kernel: the heap holds no more than one read", async () => {
  await using libos = open("deno:catnap");
  const [client, server] = await pair(libos);
  let pushed = 0;
  const pushing = (async () => {
    for (;; pushed += 1 << 16) await push(libos, client, 1 << 16);
  })();
  using first = await libos.operations.pop(server, 1);
  assert(first !== null);
  for (let before = -1; before < pushed;) {
    before = pushed;
    await libos.operations.sleep(20);
  }
  // What is read, which is nothing, and the push that waits.
  assert(libos.statistics().bufferBytes <= 64 + (1 << 16));
  for (let popped = 1; popped < pushed;) {
    using sga = await libos.operations.pop(server);
    popped += sga!.length;
  }
  libos.close(client);
  await assertRejects(() => pushing, DemikernelError);
});

Deno.test("both names of a connection are known for ever, and the segments of a large push arrive whole", async () => {
  await using libos = open("deno:catnap");
  const [client, server] = await pair(libos);
  const names = () => [libos.getsockname(client), libos.getpeername(client)];
  const before = names();
  assertEquals(libos.getpeername(server), before[0]);
  const sizes = [70_000, 1, 200_000, 3];
  const sga = libos.alloc(sizes);
  sizes.forEach((_, i) => sga.bytes(i).fill(i + 1));
  const pushed = libos.operations.push(client, sga);
  const counts = [0, 0, 0, 0];
  let last = 1;
  for (let left = 270_004; left > 0;) {
    using popped = (await libos.operations.pop(server))!;
    for (const byte of popped.bytes()) {
      assert(byte >= last, "segments are out of order");
      counts[(last = byte) - 1]!++;
    }
    left -= popped.length;
  }
  await pushed;
  assertEquals(counts, sizes);
  libos.close(server);
  assertEquals(await libos.operations.pop(client), null);
  assertEquals(names(), before);
});

Deno.test("catnap and deno:catnap share a thread: each wakes coroutines of the other", async () => {
  await using ours = open("catnap");
  await using denos = open("deno:catnap");
  const [client, server] = await pair(denos);
  const queue = ours.queue();
  const relay = denos.spawn((function* () {
    const sga = yield* denos.operations.pop(server);
    const copy = ours.alloc(sga!.length);
    sga!.free();
    yield* ours.operations.push(queue, copy);
  })());
  await push(denos, client, 5);
  using sga = await ours.operations.pop(queue);
  assertEquals(sga?.length, 5);
  await relay;
});

Deno.test("10 000 connections opened and closed leave nothing", async () => {
  await using libos = open("deno:catnap");
  const listener = libos.socket("inet", "stream");
  libos.bind(listener, { hostname: "127.0.0.1", port: 0 });
  libos.listen(listener);
  for (let i = 0; i < 10_000; i++) {
    const client = libos.socket("inet", "stream");
    const connected = libos.operations.connect(client, libos.getsockname(listener));
    const server = await libos.operations.accept(listener);
    await connected;
    libos.close(client);
    libos.close(server);
  }
  const { queues, pending, buffers } = libos.statistics();
  assertEquals({ queues, pending, buffers }, { queues: 1, pending: 0, buffers: 0 });
});
