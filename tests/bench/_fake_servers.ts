/**
 * Servers that do wrong, or stop to do right, for the tests of the clients that must notice.
 *
 * @module
 */
import type { ServerCommand } from "../../bench/_harness/server.ts";

/**
 * A TCP echo server. Before it echoes, it runs `body`, which knows the bytes just read (`data`), how many
 * bytes its connection has brought with them (`total`), and `stall(ms)`, which blocks all of it.
 */
export function fakeTcp(body: string): ServerCommand {
  return fake(`
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log("listening on 127.0.0.1:" + listener.addr.port);
    for await (const connection of listener) serve(connection).catch(() => {});
    async function serve(connection) {
      const buffer = new Uint8Array(65536);
      let total = 0;
      for (let n; (n = await connection.read(buffer)) !== null;) {
        let data = buffer.subarray(0, n);
        total += n;
        ${body};
        for (let sent = 0; sent < data.length;) sent += await connection.write(data.subarray(sent));
      }
    }`);
}

/** A UDP echo server that runs `body` before it echoes `data`, the datagram with the number `count`. */
export function fakeUdp(body: string): ServerCommand {
  return fake(`
    const socket = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
    console.log("listening on 127.0.0.1:" + socket.addr.port);
    for (let count = 1;; count++) {
      const [data, from] = await socket.receive();
      ${body};
      await socket.send(data, from);
    }`);
}

function fake(code: string): ServerCommand {
  const stall =
    "const stall = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);";
  return { name: "fake", argv: [Deno.execPath(), "eval", "--unstable-net", stall + code] };
}
