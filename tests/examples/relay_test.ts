/**
 * The relay as a program, between clients and servers of Deno.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { within } from "../runtime/_assert.ts";
import { Program, run } from "./_program.ts";

/** Starts the relay to a listener, and connects to it. */
async function connectThrough(listener: Deno.TcpListener) {
  const program = await Program.start("relay", ["--to", `127.0.0.1:${listener.addr.port}`]);
  const client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  return { program, client, server: await listener.accept() };
}

Deno.test("relay copies both directions at once, and the end of each", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
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
  const receive = (from: Deno.Conn) => new Response(from.readable).bytes();
  const [atServer, atClient] = await within(
    Promise.all([receive(server), receive(client), send(client, up), send(server, down)]),
    10,
  );
  assertEquals(atServer, up);
  assertEquals(atClient, down);
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
});

Deno.test("relay goes on with one direction when the other has ended", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
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
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { program, client, server } = await connectThrough(listener);
  await using _ = program;
  await client.write(new Uint8Array(100_000));
  await server.read(new Uint8Array(8));
  // Closed with bytes unread, the kernel sends a reset.
  server.close();
  listener.close();
  assertEquals(await within(client.read(new Uint8Array(8)), 5), null);
  client.close();
  using late = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  assertEquals(await within(late.read(new Uint8Array(8)), 5), null);
  assertMatch((await program.end("SIGINT")).stderr, /ConnectionRefused/);
});

for (const to of ["", "7000", "localhost:", "localhost:port"]) {
  Deno.test(`relay refuses --to ${JSON.stringify(to)}`, async () => {
    const { code, stderr } = await run("relay", [`--to=${to}`]);
    assertEquals(code, 1);
    assertMatch(stderr, /^error: --to must be HOST:PORT, not .*\n$/);
  });
}
