/**
 * What `our_http.ts` answers, by `Deno.serve` under Deno, by `Bun.serve` under Bun, and else by `node:http`.
 *
 *     node http.mjs [--hostname 127.0.0.1]; bun, and deno run -A, likewise
 *
 * @module
 */
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const DATA = {
  items: Array.from({ length: 32 }, (_, i) => ({ id: 100 + i, name: `item ${i + 10}` })),
};
const { hostname } =
  parseArgs({ options: { hostname: { type: "string", default: "127.0.0.1" } } }).values;

if (globalThis.Deno !== undefined) {
  tell(globalThis.Deno.serve({ hostname, port: 0, onListen() {} }, respond).addr.port);
} else if (globalThis.Bun !== undefined) {
  tell(globalThis.Bun.serve({ hostname, port: 0, fetch: respond }).port);
} else {
  const server = createServer((request, response) => {
    if (request.url === "/") {
      response.setHeader("content-type", "text/plain;charset=UTF-8");
      return response.end("hello");
    }
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(DATA));
  });
  server.listen(0, hostname, () => tell(server.address().port));
}

function respond(request) {
  return request.url.endsWith("/") ? new Response("hello") : Response.json(DATA);
}

function tell(port) {
  console.log(`listening on ${hostname}:${port}`);
}
