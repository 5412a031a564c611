/**
 * catmint between processes.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Client } from "../../examples/rpc.ts";
import { connect, Reader } from "../../mod.ts";
import { pattern } from "../contract/end.ts";
import { missingUcx, needing } from "../_needs.ts";
import { run } from "../examples/_program.ts";
import { ALL, exchange, openOn, startOn } from "./_catmint.ts";
import { killEither } from "./killing.ts";

const missing = missingUcx();

for (const transport of ALL) {
  Deno.test(
    needing(missing, `tcp_echo on catmint echoes over ${transport}, of any size`),
    async () => {
      await using program = await startOn(transport, "tcp_echo");
      assert(program.line.includes("over catmint (typescript)"));
      await using libos = openOn(transport);
      using connection = await connect({ libos, port: program.port });
      for (const size of [1, 64, 1000, 10_000, 300_000, 3_000_000]) {
        assertEquals(await exchange(connection, pattern(size)), pattern(size));
      }
      connection.closeWrite();
      assertEquals(await connection.pop({ timeout: 2000 }), null);
      const { code, stderr } = await program.end("SIGINT");
      assertEquals([code, stderr], [0, ""]);
    },
  );

  Deno.test(
    needing(missing, `a libOS on catmint learns over ${transport} of either end's death`),
    async () => {
      await killEither(transport, 3);
    },
  );
}

Deno.test(needing(missing, "chat, relay, kv, rpc and http run on catmint unchanged"), async () => {
  await using libos = openOn("posix");
  await using kv = await startOn("posix", "kv");
  using store = await connect({ libos, port: kv.port });
  await store.push("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
  using replies = new Reader(store);
  const given: string[] = [];
  for (let i = 0; i < 3; i++) given.push(String(await replies.line()));
  assertEquals(given, ["+OK", "$1", "v"]);

  await using chat = await startOn("posix", "chat");
  using one = await connect({ libos, port: chat.port });
  using other = await connect({ libos, port: chat.port });
  using lines = new Reader(other);
  await other.push("other\n");
  await one.push("one\n");
  // Whoever has a name hears the others.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await one.push("hello\n");
  let line: string | null;
  do line = await lines.line({ timeout: 2000 }); while (!line?.includes("hello"));

  await using target = await startOn("posix", "tcp_echo");
  await using relay = await startOn("posix", "relay", ["--to", `127.0.0.1:${target.port}`]);
  using through = await connect({ libos, port: relay.port });
  assertEquals(await exchange(through, pattern(1000)), pattern(1000));

  await using rpc = await startOn("posix", "rpc");
  using client = new Client(await connect({ libos, port: rpc.port }));
  assertEquals(await client.call("add", [1, 2]), 3);

  await using http = await startOn("posix", "http");
  using browser = await connect({ libos, port: http.port });
  await browser.push("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let page = "";
  for await (using sga of browser) page += new TextDecoder().decode(sga.toUint8Array());
  assert(page.startsWith("HTTP/1.1 200") && page.endsWith("hello"), page);
});

Deno.test(
  needing(missing, "an example with datagrams says in one line that catmint has none"),
  async () => {
    const env = { LIBOS: "catmint" };
    const { code, stderr } = await run("udp_echo", ["--port", "0"], { env });
    assertEquals(code, 1);
    assert(
      stderr.includes("no sockets of domain") && stderr.trim().split("\n").length === 1,
      stderr,
    );
  },
);

Deno.test(
  needing(missing, "connect() is refused where nobody listens, and where no catmint does"),
  async () => {
    await using libos = openOn("posix");
    using http = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = http.addr;
    const answering = (async () => {
      using conn = await http.accept();
      await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
      await conn.read(new Uint8Array(1000));
    })();
    await assertRejects(async () => await connect({ libos, port }), Error, "no catmint");
    await answering;
    http.close();
    await assertRejects(
      async () => await connect({ libos, port }),
      Deno.errors.ConnectionRefused,
    );
  },
);
