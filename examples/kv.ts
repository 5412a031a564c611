/**
 * A store that speaks the protocol of Redis. `examples/kv/` is the store; here it meets the network.
 *
 * ```sh
 * deno run --allow-ffi examples/kv.ts --port 6380
 * redis-cli -p 6380 set greeting hello
 * ```
 *
 * @module
 */

import { type Connection, type InetAddress, serve } from "../mod.ts";
import { main } from "./_cli.ts";
import { Session, Store } from "./kv/mod.ts";

/** How often keys whose time has come are deleted, in milliseconds, and how many at most. */
const EXPIRY = { interval: 100, budget: 1000 };

/** Serves one client: what a pop gave is fed to its session, and the replies go out in one push. */
function* handle(connection: Connection, store: Store) {
  const session = new Session(store, {
    address: format(connection.remoteAddr as InetAddress),
    localAddress: format(connection.localAddr as InetAddress),
  });
  const { reply } = session;
  try {
    while (session.open) {
      const request = yield* connection.pop();
      if (request === null) return;
      try {
        for (let segment = 0; segment < request.numsegs; segment++) {
          session.feed(request.bytes(segment));
          do {
            if (reply.length > 0) {
              const bytes = reply.bytes.subarray(0, reply.length);
              reply.reset();
              yield* connection.push(bytes);
            }
          } while (session.resume());
        }
      } finally {
        request.free();
      }
    }
  } finally {
    session.close();
  }
}

function format({ hostname, port }: InetAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

if (import.meta.main) {
  await main({
    about: "Key-value store",
    port: 6380,
    start(libos, { hostname, port }) {
      const server = serve({ libos, hostname, port }, (connection) => handle(connection, store));
      // The store tells clients its port, which is known now that the server listens.
      const store: Store = new Store({ port: server.addr.port });
      const expiry = setInterval(
        () => store.expireCycle(Date.now(), EXPIRY.budget),
        EXPIRY.interval,
      );
      return {
        addr: server.addr,
        shutdown() {
          clearInterval(expiry);
          return server.shutdown();
        },
      };
    },
  });
}
