/**
 * A TCP relay: it copies between each client and a server, in both directions at once.
 *
 * ```sh
 * deno run --allow-ffi examples/relay.ts --port 7002 --to 127.0.0.1:7000 --idle-timeout 60
 * ```
 *
 * @module
 */

import {
  connect,
  type Connection,
  type Coroutine,
  DemikernelError,
  type InetAddress,
  serve,
} from "../mod.ts";
import { main } from "./_cli.ts";

const TO = /^\[?(.+?)\]?:(\d{1,5})$/;
const SECONDS = /^\d{1,6}(\.\d{1,3})?$/;

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

/** What is not the same later if a byte was moved meanwhile, in whichever direction. */
function progress(connections: readonly Connection[]): string {
  return connections.map(({ libos, qd }) => {
    const { operations, pushBytes } = libos.statistics(qd);
    return `${operations} ${pushBytes}`;
  }).join();
}

/**
 * Waits until both directions have ended, or nothing was moved for so long, or up to twice that. The `idleTimeout` of
 * `serve` looks at the client alone: it does not know of a server that says nothing after the client's end.
 */
function* watch(
  ended: Promise<unknown>,
  connections: readonly Connection[],
  timeout: number,
): Coroutine {
  for (let before = "";;) {
    try {
      yield* connections[0]!.libos.operations.join(ended).within({ timeout });
      return;
    } catch (error) {
      if (!(error instanceof DemikernelError && error.code === "ETIMEDOUT")) throw error;
    }
    const now = progress(connections);
    if (now === before) return;
    before = now;
  }
}

function* relay(client: Connection, to: InetAddress, idleTimeout: number): Coroutine {
  const { libos } = client;
  using server = yield* connect({ libos, ...to });
  const both = [copy(client, server), copy(server, client)].map((one) => libos.spawn(one));
  // Where one direction cannot end alone, both end with the first.
  const ended: Promise<unknown> = libos.capabilities.halfClose
    ? Promise.all(both)
    : Promise.race(both);
  yield* watch(ended, [client, server], idleTimeout);
}

if (import.meta.main) {
  await main({
    about: "TCP relay",
    port: 7002,
    flags: {
      to: { help: "the server", values: ["127.0.0.1:7000"], form: { name: "HOST:PORT", is: TO } },
      "idle-timeout": {
        help: "how long it may be idle; 0 is for ever",
        values: ["0"],
        form: { name: "SECONDS", is: SECONDS },
      },
    },
    start(libos, { hostname, port, own }, signal) {
      const [, host, to] = TO.exec(own.to!)!;
      const server = { hostname: host!, port: Number(to) };
      const idleTimeout = 1000 * Number(own["idle-timeout"]) || Infinity;
      return serve(
        { libos, hostname, port, signal },
        (client) => relay(client, server, idleTimeout),
      );
    },
  });
}
