/**
 * The peer of ordinary Deno code: an echo server over `Deno.listen`, written the usual way, or with `--udp` over
 * `Deno.listenDatagram`, which is unstable. With `--awaiting` it has a port for each of {@linkcode AWAITED}, which is
 * awaited between the read and the write.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { AWAITED, type Awaited } from "./awaited.ts";

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    awaiting: { type: "boolean", default: false },
    udp: { type: "boolean", default: false },
  },
});

const { hostname } = values;
const sockets = values.udp
  ? [serveDatagrams()]
  : (values.awaiting ? Object.values(AWAITED) : [undefined]).map(serveConnections);
const ports = sockets.map(({ addr }) => (addr as Deno.NetAddr).port);
console.log(`listening on ${hostname}:${ports.join()}`);

function serveConnections(awaited: Awaited): Deno.TcpListener {
  const listener = Deno.listen({ hostname, port: 0 });
  (async () => {
    for await (const conn of listener) echo(conn, awaited);
  })();
  return listener;
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

function serveDatagrams(): Deno.DatagramConn {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  (async () => {
    const buffer = new Uint8Array(65_535);
    for (;;) {
      const [message, from] = await socket.receive(buffer);
      // One that could not be sent is lost, as datagrams may be.
      await socket.send(message, from).catch(() => {});
    }
  })();
  return socket;
}
