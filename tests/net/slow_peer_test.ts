/**
 * Peers that are slow, and peers that are dead: how they are told apart.
 *
 * @module
 */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DemikernelError } from "../../mod.ts";
import { bytes, countToEnd, makePair, netTest, text } from "./_net.ts";

const LARGE = new Uint8Array(100_000);

netTest("tryPush() takes bytes, a text or an sga, and they arrive", async (libos) => {
  using owner = new DisposableStack();
  const [client, server] = await makePair(libos, owner);
  const sga = libos.alloc(3);
  sga.bytes().set(bytes("sga"));
  for (const data of [bytes("bytes"), "tëxt", sga]) {
    assertEquals(client.tryPush(data), true);
    const expected = data === sga ? "sga" : data instanceof Uint8Array ? "bytes" : "tëxt";
    assertEquals(text(await server.pop()), expected);
  }
  assertThrows(() => sga.bytes(), DemikernelError);
});

netTest("tryPush() says no, and takes nothing, while its peer is too slow", async (libos) => {
  const [client, server] = await makePair(libos);
  let taken = 0;
  while (client.tryPush(LARGE)) taken++;
  const { bufferedAmount } = client;
  assertEquals(bufferedAmount > 0 && bufferedAmount <= LARGE.length, true);
  using sga = libos.alloc(65536);
  assertEquals(client.tryPush(sga), false);
  assertEquals(sga.bytes().length, 65536);
  assertEquals(client.tryPush("x", 0), false);
  assertEquals(client.bufferedAmount, bufferedAmount);
  // What fits the limit waits behind the rest.
  assertEquals(client.tryPush("end", bufferedAmount + 3), true);
  client.closeWrite();
  assertEquals(await countToEnd(server), taken * LARGE.length + 3);
  assertEquals(client.bufferedAmount, 0);
  client.close();
  server[Symbol.dispose]();
});

netTest("tryPush() throws when its peer is gone", async (libos) => {
  using owner = new DisposableStack();
  const [client, server] = await makePair(libos, owner);
  server.reset();
  await assertRejects(async () => await client.pop(), Deno.errors.ConnectionReset);
  assertThrows(() => client.tryPush("x"), Deno.errors.ConnectionReset);
  client.close();
  assertThrows(() => client.tryPush("x"), Deno.errors.BadResource);
});

netTest("what tryPush() took and could not send is nobody's unhandled rejection", async (libos) => {
  using owner = new DisposableStack();
  const [client, server] = await makePair(libos, owner);
  while (client.tryPush(LARGE));
  server.reset();
  await assertRejects(async () => await client.pop(), Deno.errors.ConnectionReset);
  assertEquals(client.bufferedAmount, 0);
});

netTest("tryPush() refuses a limit that is none, and keeps nothing", async (libos) => {
  using owner = new DisposableStack();
  const [client] = await makePair(libos, owner);
  for (const limit of [-1, NaN, "1" as unknown as number]) {
    const { code } = assertThrows(() => client.tryPush("x", limit), DemikernelError);
    assertEquals(code, "EINVAL");
  }
});

netTest("reset() gives the peer a reset, and drops what is not sent", async (libos) => {
  using owner = new DisposableStack();
  const [client, server] = await makePair(libos, owner);
  while (client.tryPush(LARGE));
  client.reset();
  assertEquals(client.open, false);
  await assertRejects(() => countToEnd(server), Deno.errors.ConnectionReset);
  assertThrows(() => client.reset(), Deno.errors.BadResource);
});

netTest("setNoDelay() and setKeepAlive() set the options of the socket", async (libos) => {
  using owner = new DisposableStack();
  const [client] = await makePair(libos, owner);
  client.setNoDelay(false);
  assertEquals(libos.getsockopt(client.qd, "nodelay"), false);
  client.setNoDelay();
  assertEquals(libos.getsockopt(client.qd, "nodelay"), true);
  client.setKeepAlive();
  assertEquals(libos.getsockopt(client.qd, "keepalive"), true);
  client.setKeepAlive(false);
  assertEquals(libos.getsockopt(client.qd, "keepalive"), false);
  client.setKeepAlive({ idle: 60 });
  assertEquals(libos.getsockopt(client.qd, "keepalive"), true);
  const wrong = 1 as unknown as boolean;
  assertThrows(() => client.setNoDelay(wrong), DemikernelError, "true or false");
});

netTest("push() sends a text as UTF-8", async (libos) => {
  using owner = new DisposableStack();
  const [client, server] = await makePair(libos, owner);
  for (const sent of ["hello", "größer 🦕", "x".repeat(100_000)]) {
    void client.push(sent);
    let received = "";
    const decoder = new TextDecoder();
    while (received.length < sent.length) {
      using sga = await server.pop();
      received += decoder.decode(sga!.bytes(), { stream: true });
    }
    assertEquals(received, sent);
  }
});
