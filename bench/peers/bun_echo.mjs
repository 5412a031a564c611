/**
 * The peer of ordinary Bun code: an echo server over `Bun.listen`, or with `--udp` over `Bun.udpSocket`. It
 * runs under Bun itself.
 *
 *     bun bun_echo.mjs [--hostname 127.0.0.1] [--udp]
 *
 * @module
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    udp: { type: "boolean", default: false },
  },
});
const { hostname } = values;

const listener = values.udp ? await serveDatagrams() : serveConnections();
console.log(`listening on ${hostname}:${listener.port}`);

function serveConnections() {
  return Bun.listen({
    hostname,
    port: 0,
    socket: {
      open(socket) {
        // What the kernel has not taken yet.
        socket.data = [];
        socket.setNoDelay(true);
      },
      data(socket, chunk) {
        const sent = socket.data.length > 0 ? 0 : socket.write(chunk);
        if (sent < 0 || sent === chunk.length) return;
        socket.data.push(chunk.slice(sent));
        socket.pause();
      },
      drain(socket) {
        const pending = socket.data;
        while (pending.length > 0) {
          const chunk = pending[0];
          const sent = socket.write(chunk);
          if (sent < 0) return;
          if (sent < chunk.length) {
            pending[0] = chunk.subarray(sent);
            return;
          }
          pending.shift();
        }
        socket.resume();
      },
      // The client reset the connection: that ends it, and nothing else.
      error: (socket) => socket.end(),
    },
  });
}

function serveDatagrams() {
  return Bun.udpSocket({
    hostname,
    port: 0,
    socket: {
      // A datagram that could not be sent is lost, as datagrams may be.
      data: (socket, message, port, address) => void socket.send(message, port, address),
    },
  });
}
