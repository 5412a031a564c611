/**
 * A server with a device of its own, as a program: echoes on TCP and UDP port 7, answers HTTP on port 80, and captures all
 * of it.
 *
 * `_server.ts DEVICE CAPTURE ADDRESS…`
 *
 * @module
 */

import { datagram, open, serve } from "../../mod.ts";
import type { DeviceOptions } from "../../mod.ts";

const [device, capture, ...addresses] = Deno.args;
const libos = open({
  libos: "catpowder",
  device: device as `${DeviceOptions["kind"]}:${string}`,
  addresses,
  capture: capture!,
});

const ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n";

for (const address of addresses) {
  const [hostname] = address.split("/");
  serve({ libos, hostname: hostname!, port: 7 }, async (connection) => {
    for await (const sga of connection) await connection.push(sga);
  });
  serve({ libos, hostname: hostname!, port: 80 }, async (connection) => {
    using _request = await connection.pop();
    await connection.push(new TextEncoder().encode(ANSWER));
  });
  echoDatagrams(hostname!);
}
console.log("ready");
await new Promise<void>((resolve) => Deno.addSignalListener("SIGTERM", resolve));
await libos.exit();
Deno.exit();

async function echoDatagrams(hostname: string): Promise<void> {
  const socket = datagram({ libos, hostname, port: 7 });
  for await (const sga of socket) await socket.push(sga, sga.address!);
}
