/**
 * The same `Deno.serve`, beside an echo server of ours, which has the second port.
 *
 * @module
 */
import { generator } from "../../examples/tcp_echo.ts";
import { main } from "../../examples/_cli.ts";
import { serve } from "../../mod.ts";
import { serveHttp } from "./deno_serve.ts";

await main({
  about: "TCP echo beside Deno.serve",
  port: 0,
  start: (libos, { hostname, port }, signal) => {
    const server = serve({ libos, hostname, port, signal }, generator);
    const http = serveHttp(hostname);
    console.log(`listening on ${hostname}:${http.addr.port},${server.addr.port}`);
    return {
      addr: server.addr,
      shutdown: async () => void await Promise.all([http.shutdown(), server.shutdown()]),
    };
  },
});
