/**
 * The peer of ordinary Deno code: an echo server over `Deno.listen`, written the usual way.
 *
 * @module
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
  },
});

const listener = Deno.listen({ hostname: values.hostname, port: Number(values.port) });
console.log(`listening on ${values.hostname}:${listener.addr.port}`);

for await (const conn of listener) echo(conn);

async function echo(conn: Deno.TcpConn): Promise<void> {
  using _closed = conn;
  conn.setNoDelay(true);
  const buffer = new Uint8Array(4096);
  try {
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      for (let sent = 0; sent < n;) sent += await conn.write(buffer.subarray(sent, n));
    }
  } catch {
    // The client reset the connection: that ends it as well.
  }
}
