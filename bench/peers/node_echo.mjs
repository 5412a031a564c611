/**
 * The peer of ordinary Node.js code: an echo server over `node:net`, or with `--udp` over `node:dgram`. It
 * runs under Node.js itself.
 *
 *     node node_echo.mjs [--hostname 127.0.0.1] [--udp]
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    hostname: { type: "string", default: "127.0.0.1" },
    udp: { type: "boolean", default: false },
  },
});

if (values.udp) serveDatagrams();
else serveConnections();

function serveConnections() {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("data", (chunk) => {
      if (!socket.write(chunk)) socket.pause();
    });
    socket.on("drain", () => socket.resume());
    // The client reset the connection: that ends it, and nothing else.
    socket.on("error", () => socket.destroy());
  });
  server.listen(0, values.hostname, () => announce(server));
}

function serveDatagrams() {
  const socket = createSocket({
    type: "udp4",
    // The addresses are numbers already; Node's own lookup finds that out in a later tick.
    lookup: (address, _options, callback) => callback(null, address, 4),
  });
  // A datagram that could not be sent is lost, as datagrams may be; it must not end the server.
  const onSent = () => {};
  socket.on("message", (message, from) => socket.send(message, from.port, from.address, onSent));
  socket.bind(0, values.hostname, () => announce(socket));
}

/** @param {{ address(): { port: number } }} listener */
function announce(listener) {
  console.log(`listening on ${values.hostname}:${listener.address().port}`);
}
