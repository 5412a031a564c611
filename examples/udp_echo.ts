/**
 * A UDP echo server: each datagram goes back to where it came from.
 *
 * ```sh
 * deno run --allow-ffi examples/udp_echo.ts --port 7001
 * ```
 *
 * @module
 */

import { type Datagram, datagram } from "../mod.ts";
import { main } from "./_cli.ts";

function* echo(socket: Datagram) {
  while (socket.open) {
    try {
      const sga = yield* socket.pop();
      try {
        yield* socket.push(sga, sga.address);
      } finally {
        sga.recycle();
      }
    } catch (error) {
      // What one client sent, or where from, must not end what serves all.
      if (socket.open) console.error(`warning: ${(error as Error).message}`);
    }
  }
}

if (import.meta.main) {
  await main({
    about: "UDP echo",
    port: 7001,
    start(libos, { hostname, port }) {
      const socket = datagram({ libos, hostname, port });
      const ended = libos.spawn(echo(socket));
      return {
        addr: socket.addr,
        shutdown() {
          socket.close();
          return ended;
        },
      };
    },
  });
}
