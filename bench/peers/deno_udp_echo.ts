/**
 * The peer of ordinary Deno code for datagrams: an echo server over `Deno.listenDatagram`, which is unstable:
 *
 *     deno run --unstable-net --allow-net deno_udp_echo.ts [--hostname 127.0.0.1] [--port 0]
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

/** The longest datagram. */
const DATAGRAM_MAX = 65_535;

const socket = Deno.listenDatagram({
  transport: "udp",
  hostname: values.hostname,
  port: Number(values.port),
});
console.log(`listening on ${values.hostname}:${(socket.addr as Deno.NetAddr).port}`);

const buffer = new Uint8Array(DATAGRAM_MAX);
for (;;) {
  const [message, from] = await socket.receive(buffer);
  try {
    await socket.send(message, from);
  } catch {
    // A datagram that could not be sent is lost, as datagrams may be; it must not end the server.
  }
}
