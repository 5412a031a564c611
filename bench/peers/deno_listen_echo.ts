/**
 * The peer of ordinary Deno code: an echo server over `Deno.listen`, written the usual way. With `--awaiting` it has a
 * port for each of {@linkcode AWAITED}, which is awaited between the read and the write.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { AWAITED, type Awaited } from "./awaited.ts";

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    awaiting: { type: "boolean", default: false },
  },
});

const { hostname } = values;
const listeners = (values.awaiting ? Object.values(AWAITED) : [undefined]).map((awaited) => {
  const listener = Deno.listen({ hostname, port: Number(values.port) });
  accept(listener, awaited);
  return listener;
});
console.log(`listening on ${hostname}:${listeners.map(({ addr }) => addr.port).join()}`);

async function accept(listener: Deno.TcpListener, awaited: Awaited): Promise<void> {
  for await (const conn of listener) echo(conn, awaited);
}

async function echo(conn: Deno.TcpConn, awaited: Awaited): Promise<void> {
  using _closed = conn;
  conn.setNoDelay(true);
  const buffer = new Uint8Array(4096);
  try {
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      if (awaited !== undefined) await awaited();
      for (let sent = 0; sent < n;) sent += await conn.write(buffer.subarray(sent, n));
    }
  } catch {
    // The client reset the connection: that ends it as well.
  }
}
