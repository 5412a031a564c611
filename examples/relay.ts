/**
 * A TCP relay: it copies between each client and a server, in both directions at once.
 *
 * ```sh
 * deno run --allow-ffi examples/relay.ts --port 7002 --to 127.0.0.1:7000
 * ```
 *
 * @module
 */

import { connect, type Connection, type Coroutine, type LibOS, serve } from "../mod.ts";
import { main } from "./_cli.ts";

const TO = /^\[?(.+?)\]?:(\d{1,5})$/;

/** Copies one direction to its end, without touching a byte. */
function* copy(from: Connection, to: Connection): Coroutine {
  for (;;) {
    const sga = yield* from.pop();
    if (sga === null) break;
    yield* to.push(sga);
    sga.recycle();
  }
  if (to.libos.capabilities.halfClose) to.closeWrite();
}

function* relay(libos: LibOS, client: Connection, hostname: string, port: number): Coroutine {
  using server = yield* connect({ libos, hostname, port });
  const both = [copy(client, server), copy(server, client)].map((one) => libos.spawn(one));
  // Where one direction cannot end alone, both end with the first.
  const ended: Promise<unknown> = libos.capabilities.halfClose
    ? Promise.all(both)
    : Promise.race(both);
  yield* libos.operations.join(ended);
}

if (import.meta.main) {
  await main({
    about: "TCP relay",
    port: 7002,
    flags: {
      to: { help: "the server", values: ["127.0.0.1:7000"], form: { name: "HOST:PORT", is: TO } },
    },
    start(libos, { hostname, port, own }, signal) {
      const [, host, to] = TO.exec(own.to!)!;
      return serve(
        { libos, hostname, port, signal },
        (client) => relay(libos, client, host!, Number(to)),
      );
    },
  });
}
