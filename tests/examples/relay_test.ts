/**
 * The relay as a program, between clients and servers of Deno.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { needing } from "../_needs.ts";
import { within } from "../runtime/_assert.ts";
import { CLIENT, HOSTNAME, missingLoopback, Program, run } from "./_program.ts";

/** Starts the relay to a listener, and connects to it. */
async function connectThrough(listener: Deno.TcpListener, flags: string[] = []) {
  const to = `${CLIENT}:${listener.addr.port}`;
  const program = await Program.start("relay", ["--to", to, ...flags]);
  const client = await Deno.connect({ hostname: HOSTNAME, port: program.port });
  return { program, client, server: await listener.accept() };
}

Deno.test("relay copies both directions at once, and the end of each", async () => {
  using listener = Deno.listen({ hostname: CLIENT, port: 0 });
  const { program, client, server } = await connectThrough(listener);
  await using _ = program;
  const up = new Uint8Array(3_000_000).map((_, i) => i * 7);
  const down = up.map((byte) => byte + 1);
  const send = async (to: Deno.Conn, bytes: Uint8Array<ArrayBuffer>) => {
    const writer = to.writable.getWriter();
    await writer.write(bytes);
    writer.releaseLock();
    await to.closeWrite();
  };
  // Not by `readable`, which closes the connection at its end, while the other direction may be under way.
  const receive = async (from: Deno.Conn) => {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const buffer = new Uint8Array(65_536);
    for (let n; (n = await from.read(buffer)) !== null;) parts.push(buffer.slice(0, n));
    return await new Blob(parts).bytes();
  };
  const [atServer, atClient] = await within(
    Promise.all([receive(server), receive(client), send(client, up), send(server, down)]),
    10,
  );
  client.close();
  server.close();
  assertEquals(atServer, up);
  assertEquals(atClient, down);
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
});

Deno.test("relay goes on with one direction when the other has ended", async () => {
  using listener = Deno.listen({ hostname: CLIENT, port: 0 });
  const { program, client, server } = await connectThrough(listener);
  await using _ = program;
  await client.closeWrite();
  assertEquals(await within(server.read(new Uint8Array(8)), 5), null);
  await server.write(new Uint8Array(3));
  assertEquals(await within(client.read(new Uint8Array(8)), 5), 3);
  server.close();
  assertEquals(await within(client.read(new Uint8Array(8)), 5), null);
  client.close();
});

Deno.test("relay closes the client when the server resets, or is not there", async () => {
  const listener = Deno.listen({ hostname: CLIENT, port: 0 });
  const { program, client, server } = await connectThrough(listener);
  await using _ = program;
  await client.write(new Uint8Array(100_000));
  await server.read(new Uint8Array(8));
  // Closed with bytes unread, the kernel sends a reset.
  server.close();
  listener.close();
  assertEquals(await within(client.read(new Uint8Array(8)), 5), null);
  client.close();
  using late = await Deno.connect({ hostname: HOSTNAME, port: program.port });
  assertEquals(await within(late.read(new Uint8Array(8)), 5), null);
  assertMatch((await program.end("SIGINT")).stderr, /ConnectionRefused/);
});

/** Closes both sides of a relay that is idle in some way. */
async function endsBoth(idle: (client: Deno.Conn, server: Deno.Conn) => Promise<void>) {
  using listener = Deno.listen({ hostname: CLIENT, port: 0 });
  const { program, client, server } = await connectThrough(listener, ["--idle-timeout", "0.3"]);
  await using _ = program;
  await idle(client, server);
  assertEquals(await within(client.read(new Uint8Array(8)), 10), null);
  assertEquals(await within(server.read(new Uint8Array(8)), 10), null);
  client.close();
  server.close();
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
}

Deno.test("relay --idle-timeout closes both sides when nothing is moved", async () => {
  await endsBoth(async (client, server) => {
    await client.write(new Uint8Array(3));
    assertEquals(await server.read(new Uint8Array(8)), 3);
  });
});

Deno.test("relay --idle-timeout closes both sides when the server is silent after the client's end", async () => {
  await endsBoth(async (client, server) => {
    await client.closeWrite();
    assertEquals(await within(server.read(new Uint8Array(8)), 5), null);
  });
});

Deno.test("relay --idle-timeout leaves a connection alone in which one direction is busy", async () => {
  using listener = Deno.listen({ hostname: CLIENT, port: 0 });
  const { program, client, server } = await connectThrough(listener, ["--idle-timeout", "1"]);
  await using _ = program;
  const end = Date.now() + 3000;
  for (let sent = 0; Date.now() < end; sent++) {
    await server.write(new Uint8Array(1));
    assertEquals(await client.read(new Uint8Array(8)), 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  client.close();
  server.close();
});

const WRONG: readonly (readonly [flag: string, what: string, values: readonly string[]])[] = [
  ["--idle-timeout", "SECONDS", ["", "-1", "1s", "Infinity"]],
  ["--to", "HOST:PORT", ["", "7000", "localhost:", "localhost:port"]],
];

for (const [flag, what, values] of WRONG) {
  for (const value of values) {
    const name = `relay refuses ${flag} ${JSON.stringify(value)}`;
    Deno.test(needing(missingLoopback("it opens no device"), name), async () => {
      const { code, stderr } = await run("relay", [`${flag}=${value}`]);
      assertEquals(code, 1);
      assertMatch(stderr, new RegExp(`^error: ${flag} must be ${what}, not .*\\n$`));
    });
  }
}
