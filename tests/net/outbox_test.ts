/**
 * The outbox: what is posted is sent, in order, whoever is alone or not, and whatever is closed meanwhile.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Letter, Outbox } from "../../libos/net/outbox.ts";
import { connect, type Connection, listen, open } from "../../mod.ts";

async function receive(connection: Connection, length: number): Promise<string> {
  let text = "";
  while (text.length < length) {
    using sga = await connection.pop();
    if (sga === null) break;
    text += new TextDecoder().decode(sga.bytes());
  }
  return text;
}

Deno.test("Outbox sends all letters in order, together or alone, and not to who was closed", async () => {
  await using libos = open("catnap");
  using listener = listen({ libos, hostname: "127.0.0.1", port: 0 });
  using outbox = new Outbox(libos);
  const clients: Connection[] = [];
  const letters: Letter[] = [];
  const servers: Connection[] = [];
  for (let i = 0; i < 3; i++) {
    clients.push(await connect({ libos, hostname: "127.0.0.1", port: listener.addr.port }));
    servers.push(await listener.accept());
    letters.push(new Letter(servers[i]!));
  }
  const post = (index: number, text: string) => {
    const letter = letters[index]!;
    if (letter.sga !== null) outbox.flush();
    letter.sga = libos.alloc(text.length);
    letter.sga.bytes().set(new TextEncoder().encode(text));
    outbox.post(letter);
  };
  for (let round = 0; round < 5; round++) {
    // Both at once, and twice, which does not wait for a turn; then one alone, more often than it may be.
    for (const index of [0, 1, 0]) post(index, `${index}`);
    assertEquals(await receive(clients[0]!, 2), "00");
    assertEquals(await receive(clients[1]!, 1), "1");
    for (let i = 0; i < 100; i++) {
      post(2, "2");
      assertEquals(await receive(clients[2]!, 1), "2");
    }
  }
  // Until they wait for each other again.
  for (let i = 0; outbox.empty; i++) {
    post(1, "1");
    if (outbox.empty) assertEquals(await receive(clients[1]!, 1), "1");
  }
  post(0, "lost");
  servers[0]!.close();
  assertEquals(await receive(clients[1]!, 1), "1");
  assertEquals(await receive(clients[0]!, 4), "");
  post(1, "kept");
  assertEquals(await receive(clients[1]!, 4), "kept");
  assertEquals(letters.map(({ sga }) => sga), [null, null, null]);
  for (const connection of [...clients, ...servers]) connection[Symbol.dispose]();
});
