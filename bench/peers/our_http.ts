/**
 * HTTP by one of our tiers: `GET /` is answered with `hello`, all else with a kilobyte of JSON.
 *
 *     deno run -A our_http.ts --tier fast|fetch; with the flags of the examples
 *
 * @module
 */
import { main } from "../../examples/_cli.ts";
import { serveHttp } from "../../libos/http/mod.ts";

/** An object whose JSON is a kilobyte. */
const DATA = {
  items: Array.from({ length: 32 }, (_, i) => ({ id: 100 + i, name: `item ${i + 10}` })),
};
const JSON_TYPE = { "content-type": "application/json" };

function respond(request: Request): Response {
  return request.url.endsWith("/") ? new Response("hello") : Response.json(DATA);
}

await main({
  about: "HTTP",
  port: 0,
  flags: { tier: { help: "which tier", values: ["fast", "fetch"] } },
  start(libos, { hostname, port, own: { tier } }, signal) {
    const where = { libos, hostname, port, signal };
    return tier === "fetch" ? serveHttp(where, respond) : serveHttp(
      { ...where, tier: "fast" },
      (request) =>
        request.path === "/" ? "hello" : { headers: JSON_TYPE, body: JSON.stringify(DATA) },
    );
  },
});
