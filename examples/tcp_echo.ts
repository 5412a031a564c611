/**
 * A TCP echo server, with both kinds of handler.
 *
 * ```sh
 * deno run --allow-ffi examples/tcp_echo.ts --port 7000 --handler iterator
 * ```
 *
 * @module
 */

import { type Connection, serve } from "../mod.ts";
import { main } from "./_cli.ts";

/** The familiar way: an async function that iterates over what arrives. */
async function iterator(connection: Connection): Promise<void> {
  for await (const sga of connection) await connection.push(sga);
}

/**
 * The fast way: a generator that yields to operations. A pushed sga need not be freed, but its handle can be
 * given back: so an echo allocates nothing.
 */
export function* generator(connection: Connection) {
  for (;;) {
    const sga = yield* connection.pop();
    if (sga === null) return;
    yield* connection.push(sga);
    sga.recycle();
  }
}

if (import.meta.main) {
  await main({
    about: "TCP echo",
    port: 7000,
    flags: { handler: { help: "the kind of handler", values: ["generator", "iterator"] } },
    start: (libos, { hostname, port, own }, signal) =>
      serve({ libos, hostname, port, signal }, own.handler === "iterator" ? iterator : generator),
  });
}
