/**
 * The echo servers as programs, with clients that are not ours.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { missingProgram, needing } from "../_needs.ts";
import { within } from "../runtime/_assert.ts";
import { HOSTNAME, HOSTNAME6, Program } from "./_program.ts";

/** Runs a client with something to send; gives what it received. */
async function talk(command: string, args: string[], input: Uint8Array): Promise<Uint8Array> {
  const client = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = new Response(client.stdout).bytes();
  const writer = client.stdin.getWriter();
  await writer.write(input);
  await writer.close();
  const received = await output;
  assertEquals((await client.status).success, true);
  return received;
}

/** Bytes that are not the same everywhere. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

const HANDLERS = ["generator", "iterator"];
const POLICIES = ["spin", "adaptive", "park"];

for (const handler of HANDLERS) {
  Deno.test({
    ...needing(missingProgram("nc"), `tcp_echo --handler ${handler} echoes to nc`),
    async fn() {
      await using program = await Program.start("tcp_echo", ["--handler", handler]);
      const sent = pattern(300_000);
      const received = await talk("nc", ["-N", HOSTNAME, String(program.port)], sent);
      assertEquals(received, sent);
      assertEquals((await program.end("SIGINT")).stderr, "");
    },
  });
}

for (const idle of POLICIES) {
  Deno.test({
    ...needing(missingProgram("socat"), `tcp_echo --idle ${idle} echoes over IPv6 to socat`),
    async fn() {
      await using program = await Program.start("tcp_echo", [
        "--idle",
        idle,
        "--hostname",
        HOSTNAME6,
      ]);
      const sent = pattern(300_000);
      const peer = `TCP6:[${HOSTNAME6}]:${program.port}`;
      assertEquals(await talk("socat", ["-t", "5", "-", peer], sent), sent);
      assertEquals((await program.end("SIGINT")).stderr, "");
    },
  });

  Deno.test({
    ...needing(missingProgram("socat"), `udp_echo --idle ${idle} echoes to socat`),
    async fn() {
      await using program = await Program.start("udp_echo", ["--idle", idle]);
      const sent = pattern(8000);
      const peer = `UDP:${HOSTNAME}:${program.port}`;
      assertEquals(await talk("socat", ["-t", "0.3", "-b", "8192", "-", peer], sent), sent);
      assertEquals((await program.end("SIGINT")).stderr, "");
    },
  });
}

Deno.test("tcp_echo ends when it is interrupted, although clients are connected", async () => {
  await using program = await Program.start("tcp_echo");
  using client = await Deno.connect({ hostname: HOSTNAME, port: program.port });
  await client.write(new Uint8Array(1));
  assertEquals(await client.read(new Uint8Array(8)), 1);
  const end = program.end("SIGINT");
  assertEquals(await within(client.read(new Uint8Array(8)), 5), null);
  assertEquals(await end, { code: 0, stdout: "", stderr: "" });
});

Deno.test("tcp_echo says nothing, and goes on, when clients reset", async () => {
  await using program = await Program.start("tcp_echo");
  for (let i = 0; i < 20; i++) {
    const client = await Deno.connect({ hostname: HOSTNAME, port: program.port });
    await client.write(new Uint8Array(100_000));
    // Closed with the echo unread, the kernel sends a reset.
    client.close();
  }
  using client = await Deno.connect({ hostname: HOSTNAME, port: program.port });
  await client.write(new Uint8Array(1));
  assertEquals(await client.read(new Uint8Array(8)), 1);
  client.closeWrite();
  assertEquals(await client.read(new Uint8Array(8)), null);
  assertEquals(await program.end("SIGTERM"), { code: 0, stdout: "", stderr: "" });
});

/** Hundredths of a second of processor time that a process has used. */
function ticks(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

for (const idle of ["adaptive", "park"]) {
  Deno.test(`tcp_echo --idle ${idle} uses no processor time when it is idle, and wakes`, async () => {
    await using program = await Program.start("tcp_echo", ["--idle", idle]);
    using client = await Deno.connect({ hostname: HOSTNAME, port: program.port });
    const ping = async () => {
      await client.write(new Uint8Array(1));
      assertEquals(await within(client.read(new Uint8Array(8)), 10), 1);
    };
    for (let i = 0; i < 1000; i++) await ping();
    // Let the compilers of V8 end, which the load began.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = ticks(program.pid);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const used = ticks(program.pid) - before;
    assert(used <= 3, `it used ${used} hundredths of a second in one second`);
    await ping();
    assertEquals((await program.end("SIGINT")).code, 0);
  });
}
