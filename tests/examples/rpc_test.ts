/**
 * The RPC server as a program, called by the client of the example and by one that knows the bytes alone.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { Client } from "../../examples/rpc.ts";
import { connect, open } from "../../mod.ts";
import { needing } from "../_needs.ts";
import { within } from "../runtime/_assert.ts";
import { HOSTNAME, missingLoopback, Program } from "./_program.ts";

/** Runs a body with a client of a server. */
async function withClient(body: (client: Client, program: Program) => Promise<void>) {
  await using program = await Program.start("rpc");
  await using libos = open("catnap");
  using client = new Client(await connect({ libos, hostname: HOSTNAME, port: program.port }));
  await body(client, program);
}

Deno.test("rpc answers calls as they are ready, many at a time on one connection", async () => {
  await withClient(async (client, program) => {
    const order: string[] = [];
    const slow = client.call("sleep", [300]).then(() => order.push("slow"));
    const quick = client.call("add", [1, 2]).then((sum) => order.push(`quick ${sum}`));
    await within(Promise.all([slow, quick]), 5);
    assertEquals(order, ["quick 3", "slow"]);
    // More than the server has under way at once.
    const values = Array.from({ length: 3000 }, (_, i) => ({ i, text: "\u00fc".repeat(i % 50) }));
    const answers = Promise.all(values.map((value) => client.call("echo", [value])));
    const sleeps = Promise.all(values.map(() => client.call("sleep", [10])));
    assertEquals(await within(answers, 20), values);
    await within(sleeps, 20);
    assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
  });
});

Deno.test("rpc tells of what a call fails with, and goes on", async () => {
  await withClient(async (client) => {
    await assertRejects(() => client.call("nonsense", []), Error, "There is no method nonsense");
    await assertRejects(() => client.call("sleep", [-1]), Error);
    for (const timeout of [-1, NaN, Infinity]) {
      await assertRejects(() => client.call("add", [2, 2], { timeout }), RangeError);
    }
    assertEquals(await client.call("add", [2, 2]), 4);
  });
});

Deno.test("rpc: a call ends at its deadline on both sides, and no other", async () => {
  await withClient(async (client, program) => {
    const long = client.call("sleep", [60_000], { timeout: 100 });
    const patient = client.call("sleep", [400], { timeout: 30_000 });
    await assertRejects(() => within(long, 5), Deno.errors.TimedOut);
    await within(patient, 5);
    // Nothing is under way any more that its end would have to wait for.
    assertEquals((await within(program.end("SIGINT"), 5)).code, 0);
  });
});

Deno.test({
  ...needing(
    missingLoopback("who is killed takes its stack along, and nobody tells its clients"),
    "rpc: calls fail when the server is gone, those to come too",
  ),
  async fn() {
    await withClient(async (client, program) => {
      const call = client.call("sleep", [60_000]);
      const failed = assertRejects(() => within(call, 5), Error);
      await client.call("add", [1, 1]);
      await program.end("SIGKILL");
      await failed;
      await assertRejects(() => client.call("add", [1, 1]), Error);
    });
  },
});

Deno.test("rpc answers all before it ends, and refuses what is no request", async () => {
  await using program = await Program.start("rpc");
  const ask = async (...texts: string[]) => {
    const conn = await Deno.connect({ hostname: HOSTNAME, port: program.port });
    const encoder = new TextEncoder();
    for (const text of texts) {
      const body = encoder.encode(text);
      await conn.write(Uint8Array.from([0, 0, 0, body.length, ...body]));
    }
    await conn.closeWrite();
    return await within(new Response(conn.readable).text(), 10);
  };
  const request = '{"id":1,"method":"sleep","params":[100]}';
  assertEquals(await ask(request), '\0\0\0\x08{"id":1}');
  const refusal = '{"id":null,"error":"This is no request"}';
  for (const none of ["{", "null", "[]", '{"id":1}', '{"id":1,"method":"add","params":3}']) {
    assertEquals(await ask(none), `\0\0\0${String.fromCharCode(refusal.length)}${refusal}`);
  }
  assertEquals(await program.end("SIGINT"), { code: 0, stdout: "", stderr: "" });
});
