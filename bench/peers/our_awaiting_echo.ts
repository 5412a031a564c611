/**
 * Our echo server with something else to await between the pop and the push: a port for each of
 * {@linkcode AWAITED}, with both kinds of handler.
 *
 * @module
 */
import { main } from "../../examples/_cli.ts";
import { type Connection, serve } from "../../mod.ts";
import { AWAITED, type Awaited } from "./awaited.ts";

await main({
  about: "TCP echo that awaits",
  port: 0,
  flags: { handler: { help: "the kind of handler", values: ["generator", "iterator"] } },
  start: (libos, { hostname, own }, signal) => {
    const handler = own.handler === "iterator" ? iterator : generator;
    const servers = Object.values(AWAITED).map((awaited) =>
      serve({ libos, hostname, port: 0, signal }, handler(awaited))
    );
    console.log(`listening on ${hostname}:${servers.map(({ addr }) => addr.port).join()}`);
    return {
      addr: servers[0]!.addr,
      shutdown: async () => void await Promise.all(servers.map((server) => server.shutdown())),
    };
  },
});

function iterator(awaited: Awaited) {
  return async (connection: Connection): Promise<void> => {
    for await (const sga of connection) {
      if (awaited !== undefined) await awaited();
      await connection.push(sga);
    }
  };
}

function generator(awaited: Awaited) {
  return function* (connection: Connection) {
    for (;;) {
      const sga = yield* connection.pop();
      if (sga === null) return;
      if (awaited !== undefined) yield* connection.libos.operations.join(awaited());
      yield* connection.push(sga);
      sga.recycle();
    }
  };
}
