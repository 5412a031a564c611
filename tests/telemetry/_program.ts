/**
 * A server that is observed and traced, with a client; started by the tests, with a collector in its environment.
 *
 * @module
 */

import { connect, type Handler, open, serve } from "../../mod.ts";
import { observe, request, traced } from "../../libos/telemetry/mod.ts";

const HANDLERS: Readonly<Record<string, Handler>> = {
  async async(connection) {
    for await (const sga of connection) {
      await request(connection, async () => await connection.push(sga), { name: "echo" });
    }
  },
  *generator(connection) {
    for (let sga; (sga = yield* connection.pop()) !== null;) {
      const reply = sga;
      yield* request(connection, function* () {
        yield* connection.push(reply);
      }, { name: "echo", attributes: { "demikernel.test": true } });
    }
    throw new Deno.errors.InvalidData("that is all");
  },
};

const [libosName, handlerName] = Deno.args;
await using libos = open(libosName as "catnap");
using _metrics = observe(libos, { part: "front" });
const held = libos.alloc(1000);
{
  const options = { libos, hostname: "127.0.0.1", port: 0, onError() {} } as const;
  await using server = serve(options, traced(HANDLERS[handlerName!]!));
  {
    using connection = await connect({ libos, port: server.addr.port });
    await connection.push(new TextEncoder().encode("ping"));
    using _reply = await connection.pop();
    console.log(server.addr.port);
    // The metrics are exported while this is open.
    await libos.operations.sleep(300);
  }
}
held.free();
