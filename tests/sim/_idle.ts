/**
 * Opens many connections between two simulated hosts, each used once, and leaves them idle; then closes them. Prints,
 * for each connection, how many bytes of memory its two ends take, and how many are still taken afterwards.
 *
 * @module
 */

import { connect, type Connection, serve, simulate } from "../../mod.ts";

const COUNT = Number(Deno.args[0]);
/** Opened at a time. */
const BATCH = 500;

const { gc } = globalThis as unknown as { gc(): void };
const network = simulate({ seed: 1 });
const server = network.host({ name: "server", addresses: ["10.0.0.1/24"] });
const client = network.host({ name: "client", addresses: ["10.0.0.2/24"] });

async function open(count: number): Promise<Connection[]> {
  const opened: Connection[] = [];
  while (opened.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - opened.length) }, async () => {
      const connection = await connect({ libos: client, hostname: "10.0.0.1", port: 7 });
      await connection.push("ping");
      (await connection.pop())!.free();
      return connection;
    });
    opened.push(...await Promise.all(batch));
  }
  return opened;
}

/** Bytes of JavaScript's heap and of buffers. */
function used(): number {
  gc();
  gc();
  const buffers = [server, client].map((libos) => libos.statistics().bufferBytes);
  return Deno.memoryUsage().heapUsed + buffers[0]! + buffers[1]!;
}

serve({ libos: server, hostname: "10.0.0.1", port: 7 }, function* (connection) {
  for (;;) {
    const sga = yield* connection.pop();
    if (sga === null) return;
    yield* connection.push(sga);
  }
});
await network.run(async () => {
  // What is made once, and code that was not compiled yet.
  for (const connection of await open(BATCH)) connection.close();
  await client.operations.sleep(200_000);
  const before = used();
  const connections = await open(COUNT);
  await client.operations.sleep(1000);
  const idle = used();
  for (const connection of connections.splice(0)) connection.close();
  await client.operations.sleep(200_000);
  const after = used();
  console.log(JSON.stringify([(idle - before) / COUNT, (after - before) / COUNT]));
});
await network.close();
