/**
 * A run that has a bit of everything, captured.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { connect, datagram, serve } from "../../libos/net/mod.ts";
import { simulate } from "../../libos/sim/network.ts";

/** Runs it, over a network that loses, doubles and reorders; gives the capture. */
export async function runCaptured(version: 4 | 6): Promise<Uint8Array<ArrayBuffer>> {
  const link = { delay: 1, loss: 0.05, reorder: 0.05, duplicate: 0.03 };
  const network = simulate({ seed: 3, capture: true, link });
  const [one, other, prefix, group] = version === 4
    ? ["10.0.0.1", "10.0.0.2", 24, "239.1.1.1"] as const
    : ["fd00::1", "fd00::2", 64, "ff05::7"] as const;
  const server = network.host({ addresses: [`${one}/${prefix}`] });
  const client = network.host({ addresses: [`${other}/${prefix}`] });
  serve({ libos: server, hostname: one, port: 7 }, async (connection) => {
    for await (const sga of connection) await connection.push(sga);
  });
  await network.run(async () => {
    const connection = await connect({ libos: client, hostname: one, port: 7 });
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await connection.push(new Uint8Array(20_001).fill(i));
      connection.closeWrite();
    })();
    let length = 0;
    for await (const sga of connection) {
      length += sga.length;
      sga.free();
    }
    await writing;
    assertEquals(length, 20 * 20_001);
    using socket = datagram({ libos: client, hostname: other, port: 9 });
    for (const size of [0, 100, 5000]) {
      await socket.push(new Uint8Array(size), { hostname: one, port: 99 });
    }
    const qd = server.socket(version === 4 ? "inet" : "inet6", "dgram");
    server.setsockopt(qd, "multicastJoin", { group });
    await client.operations.sleep(20_000);
    server.setsockopt(qd, "multicastLeave", { group });
    await assertRejects(
      async () => await connect({ libos: client, hostname: one, port: 1 }),
      Deno.errors.ConnectionRefused,
    );
  });
  const capture = network.capture();
  await network.close();
  return capture;
}
