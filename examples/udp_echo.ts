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
  try {
    for (;;) {
      const sga = yield* socket.pop();
      yield* socket.push(sga, sga.address);
      sga.free();
    }
  } catch (error) {
    if (socket.open) throw error;
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
