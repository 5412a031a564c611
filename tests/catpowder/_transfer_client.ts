/**
 * The other end of `_transfer.ts`, on the kernel's stack: `_transfer_client.ts HOSTNAME PORT up|down MEGABYTES`. Prints a line of
 * JSON: the SHA-256 of what was sent and of what arrived, and how long it took, in seconds.
 *
 * @module
 */

import { connect, open } from "../../mod.ts";
import { receive, send } from "./_transfer.ts";

const [hostname, port, way, megabytes] = Deno.args;
const libos = open({ libos: "catnap" });
const connection = await connect({ libos, hostname: hostname!, port: Number(port) });
const count = Number(megabytes);
const isUp = way === "up";
await connection.push(Uint8Array.of(...isUp ? [0, 0] : [count >> 8, count & 255]));
const begin = performance.now();
const here = isUp ? await send(connection, count) : await receive(connection);
let there = "";
if (isUp) {
  for await (const sga of connection) {
    there += new TextDecoder().decode(sga.bytes());
    sga.free();
  }
}
console.log(JSON.stringify({ here, there, seconds: (performance.now() - begin) / 1000 }));
connection.close();
await libos.exit();
Deno.exit();
