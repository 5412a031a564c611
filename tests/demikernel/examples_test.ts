/**
 * The examples on native catnap, chosen by a flag or by the environment: their code knows nothing of it.
 *
 * @module
 */

import "../_preload.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { open } from "../../libos/open.ts";
import { Program, type ProgramOptions, run } from "../examples/_program.ts";
import { nativeTest } from "../ffi/_demikernel.ts";
import { within } from "../runtime/_assert.ts";
import { receive, send } from "./_sockets.ts";

const NAME = "demikernel:catnap";
/** How it is chosen. */
const CHOICES: readonly [how: string, args: string[], options: ProgramOptions][] = [
  ["--libos", ["--libos", NAME], {}],
  ["LIBOS", [], { env: { LIBOS: NAME } }],
];

/** Sends bytes over TCP, and reads as many as are to come back. */
async function talk(port: number, sent: Uint8Array, length: number): Promise<Uint8Array> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const received = new Uint8Array(length);
  const writer = connection.writable.getWriter();
  const written = writer.write(sent);
  const reader = connection.readable.getReader({ mode: "byob" });
  const { value } = await within(reader.read(received, { min: length }), 10);
  await written;
  return value!;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const MESSAGE = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) & 0xff);
const COMMANDS = new TextEncoder().encode("SET key value\r\nGET key\r\nINCR n\r\nPING\r\n");
const REPLIES = "+OK\r\n$5\r\nvalue\r\n:1\r\n+PONG\r\n";

for (const [how, args, options] of CHOICES) {
  nativeTest("catnap", `tcp_echo echoes over native catnap by ${how}`, async () => {
    for (const handler of ["generator", "iterator"]) {
      await using program = await Program.start(
        "tcp_echo",
        [...args, "--handler", handler],
        options,
      );
      assertStringIncludes(program.line, "over catnap (demikernel)");
      for (let i = 0; i < 2; i++) {
        assertEquals(await talk(program.port, MESSAGE, MESSAGE.length), MESSAGE);
      }
      assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
    }
  });

  nativeTest("catnap", `udp_echo echoes over native catnap by ${how}`, async () => {
    await using program = await Program.start("udp_echo", args, options);
    assertStringIncludes(program.line, "over catnap (demikernel)");
    await using libos = open("catnap");
    const qd = libos.socket("inet", "dgram");
    await libos.operations.connect(qd, { hostname: "127.0.0.1", port: program.port });
    for (let i = 1; i < 4; i++) {
      const sent = MESSAGE.slice(0, 1000 * i);
      await send(libos, qd, sent);
      assertEquals(await within(receive(libos, qd), 10), sent);
    }
    assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
  });

  nativeTest("catnap", `kv answers over native catnap by ${how}`, async () => {
    await using program = await Program.start("kv", args, options);
    assertStringIncludes(program.line, "over catnap (demikernel)");
    assertEquals(text(await talk(program.port, COMMANDS, REPLIES.length)), REPLIES);
    assertEquals(await program.end("SIGTERM"), { code: 0, stdout: "", stderr: "" });
  });
}

nativeTest("catnap", "tcp_echo --idle takes every policy over native catnap", async () => {
  for (const idle of ["spin", "adaptive", "park"]) {
    await using program = await Program.start("tcp_echo", ["--libos", NAME, "--idle", idle]);
    assertEquals(await talk(program.port, MESSAGE, MESSAGE.length), MESSAGE);
    // Idle, it is polled more and more seldom, and still answers.
    await new Promise((resolve) => setTimeout(resolve, 100));
    assertEquals(await talk(program.port, MESSAGE, MESSAGE.length), MESSAGE);
    assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
  }
});

nativeTest(
  "catmem",
  "an example over a libOS that has no sockets says so in one line",
  async () => {
    const { code, stdout, stderr } = await run("tcp_echo", ["--libos", "demikernel:catmem"]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^error: [^\n]*catmem[^\n]*\n$/);
  },
);

Deno.test("an example says in one error what to do when there is no library", async () => {
  const env = { DEMIKERNEL_LIBRARY: "/nonexistent/libdemikernel.so" };
  const { code, stdout, stderr } = await run("tcp_echo", ["--libos", NAME], { env });
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "/nonexistent/libdemikernel.so");
  assertMatch(stderr, /^error: /);
});
