/**
 * TLS, and HTTP by Node, where there is no FFI: over Deno's own sockets.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import http from "node:http";
import { Reader } from "../../mod.ts";
import { connectTls, serveTls } from "../../libos/tls/mod.ts";
import { missingProgram, needing } from "../_needs.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";
import { ask, Attached, makeAgent } from "../node/_node.ts";
import { Certificates } from "./_certificates.ts";

for (const libos of ["catnap", "deno:catnap"] as const) {
  const { name, ignore } = needing(
    missingProgram("openssl"),
    `a Reader reads lines through TLS over ${libos}`,
  );
  if (ignore) Deno.test({ name, ignore, fn() {} });
  else {
    netTest(name, async (libos) => {
      await using certificates = await Certificates.make();
      const { cert, key } = await certificates.issue("localhost");
      const server = serveTls({ libos, ...LOOPBACK, cert, key }, async (connection) => {
        using reader = new Reader(connection);
        for await (const line of reader.lines()) await connection.push(`${line.toUpperCase()}\n`);
      });
      const { port } = server.addr;
      const client = await connectTls({ libos, hostname: "localhost", port, ca: cert });
      await client.push("one\ntw");
      await client.push("o\n");
      client.closeWrite();
      using reader = new Reader(client);
      assertEquals(await Array.fromAsync(reader.lines()), ["ONE", "TWO"]);
      client.close();
      await server.shutdown();
      while (libos.statistics().queues > 0) await libos.operations.sleep(1);
    }, { libos });
  }

  netTest(`node:http serves and asks over ${libos}`, async (libos) => {
    const server = http.createServer((request, response) => response.end(`hello ${request.url}`));
    await using attached = new Attached(libos, server);
    const agent = makeAgent(libos);
    assertEquals(await ask(agent, attached.port, "/a"), "hello /a");
    assertEquals(await ask(agent, attached.port, "/b"), "hello /b");
    agent.destroy();
  }, { libos });
}
