import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Sga } from "../../mod.ts";
import { within } from "../runtime/_assert.ts";
import { bytes, makePair, netTest, text } from "./_net.ts";

function take({ done, value }: IteratorResult<Sga, undefined>): string | null {
  return done ? null : text(value);
}

netTest(
  "PopIterator ends at the end of the stream, and leaves the connection open",
  async (libos) => {
    const [client, server] = await makePair(libos);
    await client.push(bytes("a"));
    client.closeWrite();
    const seen: (string | null)[] = [];
    for await (const sga of server) seen.push(text(sga));
    assertEquals(seen, ["a"]);
    assertEquals(server.open, true);
    for await (const _ of server) assert(false, "it went on");
    server.close();
    client.close();
  },
);

netTest("PopIterator ends quietly when the connection is closed meanwhile", async (libos) => {
  const [client, server] = await makePair(libos);
  const ended = (async () => {
    for await (const _ of server) assert(false, "it went on");
  })();
  server.close();
  await within(ended);
  client.close();
});

netTest(
  "PopIterator rejects when the pop that it waits for fails, and is over then",
  async (libos) => {
    const [client, server] = await makePair(libos);
    const iterator = server[Symbol.asyncIterator]();
    libos.setsockopt(client.qd, "linger", 0);
    client.close();
    await assertRejects(() => iterator.next(), Deno.errors.ConnectionReset);
    assertEquals(await iterator.next(), { done: true, value: undefined });
    server.close();
  },
);

netTest("PopIterator.next() answers in the order of the questions", async (libos) => {
  const [client, server] = await makePair(libos);
  const iterator = server[Symbol.asyncIterator]();
  const order: string[] = [];
  const ask = () => {
    const promise = iterator.next();
    promise.then(take).then((answer) => order.push(answer ?? "end"));
    return promise;
  };
  const questions = [ask(), ask(), ask()];
  await client.push(bytes("a"));
  await questions[0];
  questions.push(ask());
  await client.push(bytes("b"));
  await questions[1];
  await client.push(bytes("c"));
  await questions[2];
  await client.push(bytes("d"));
  await questions[3];
  questions.push(ask(), ask());
  client.close();
  await within(Promise.all(questions));
  assertEquals(order, ["a", "b", "c", "d", "end", "end"]);
  server.close();
});

netTest("PopIterator.return() closes the connection, and ends what waits", async (libos) => {
  const [client, server] = await makePair(libos);
  const iterator = server[Symbol.asyncIterator]();
  const questions = [iterator.next(), iterator.next()];
  const done = { done: true, value: undefined } as const;
  assertEquals(await iterator.return!(), done);
  assertEquals(await within(Promise.all(questions)), [done, done]);
  assertEquals([await iterator.return!(), await iterator.next()], [done, done]);
  assertEquals(server.open, false);
  assertEquals(await client.pop(), null);
  client.close();
});
