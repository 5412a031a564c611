/**
 * Megabytes one way or the other, as a program on either stack: sends what is asked for, or takes what comes, and tells the
 * SHA-256 of it. `_transfer_client.ts` is at the other end.
 *
 * @module
 */

import { type Connection, serve } from "../../mod.ts";
import { createHash } from "node:crypto";
import { main } from "../../examples/_cli.ts";

const MEGABYTE = 1 << 20;

/** Sends so many megabytes, none like another, and says no more; gives their SHA-256. */
export async function send(connection: Connection, megabytes: number): Promise<string> {
  const hash = createHash("sha256");
  for (let i = 0; i < megabytes; i++) {
    const bytes = new Uint8Array(MEGABYTE);
    const words = new Int32Array(bytes.buffer);
    for (let j = 0; j < words.length; j++) words[j] = Math.imul(i * words.length + j, 0x9e3779b1);
    hash.update(bytes);
    await connection.push(bytes);
  }
  connection.closeWrite();
  return hash.digest("hex");
}

/** Takes all that comes; gives its SHA-256. */
export async function receive(connection: Connection): Promise<string> {
  const hash = createHash("sha256");
  for await (const sga of connection) {
    for (let i = 0; i < sga.numsegs; i++) hash.update(sga.bytes(i));
    sga.free();
  }
  return hash.digest("hex");
}

/** The first byte says which way, and of how many megabytes; 0 to take. */
async function handle(connection: Connection): Promise<void> {
  using first = (await connection.pop({ size: 2 }))!;
  const [high, low] = first.bytes();
  const megabytes = high! << 8 | low!;
  if (megabytes > 0) await send(connection, megabytes);
  else await connection.push(await receive(connection));
}

if (import.meta.main) {
  await main({
    about: "Transfers",
    port: 7000,
    start: (libos, { hostname, port }, signal) =>
      serve({ libos, hostname, port, signal }, (connection) => {
        // As the kernel at the other end.
        if (libos.name === "catpowder") libos.setsockopt(connection.qd, "congestion", "reno");
        return handle(connection);
      }),
  });
}
