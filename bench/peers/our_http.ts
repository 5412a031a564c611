/**
 * HTTP by one of our tiers, or by `Deno.serve`: `GET /` is answered with `hello`, all else with a kilobyte of JSON.
 *
 *     deno run -A our_http.ts --tier fast|fetch|serve [--hostname 127.0.0.1] [--port 0] [--idle adaptive] [--libos catnap]
 *
 * @module
 */
import { parseArgs } from "node:util";
import { serveHttp } from "../../libos/http/mod.ts";
import { type IdlePolicy, type LibOSName, open } from "../../mod.ts";

/** An object whose JSON is a kilobyte. */
const DATA = {
  items: Array.from({ length: 32 }, (_, i) => ({ id: 100 + i, name: `item ${i + 10}` })),
};
const JSON_TYPE = { "content-type": "application/json" };

function respond(request: Request): Response {
  return request.url.endsWith("/") ? new Response("hello") : Response.json(DATA);
}

const { values: { tier, hostname, port, idle, libos: name } } = parseArgs({
  options: {
    tier: { type: "string" },
    hostname: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "0" },
    idle: { type: "string", default: "adaptive" },
    libos: { type: "string", default: "catnap" },
  },
});
const where = { hostname, port: Number(port) };
let bound: number;
if (tier === "serve") {
  bound = Deno.serve({ ...where, onListen() {} }, respond).addr.port;
} else {
  const libos = open({ libos: name as LibOSName, idle: idle as IdlePolicy });
  const server = tier === "fast"
    ? serveHttp(
      { libos, ...where, tier },
      (request) =>
        request.path === "/" ? "hello" : { headers: JSON_TYPE, body: JSON.stringify(DATA) },
    )
    : serveHttp({ libos, ...where }, respond);
  bound = server.addr.port;
}
console.log(`listening on ${hostname}:${bound}`);
