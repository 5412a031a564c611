/**
 * Hono's own routing, over the wire: by the facts of the cases that all of its routers are tested with, which handlers a
 * request comes by, in which order, and with which parameters.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Hono } from "npm:hono@4.13.19";
import { Hono as Quick } from "npm:hono@4.13.19/quick";
import { Hono as Tiny } from "npm:hono@4.13.19/tiny";
import { serveHttp } from "../../libos/http/mod.ts";
import type { LibOS } from "../../mod.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";
import { answers } from "./_http.ts";

/** Routes, and of each request the routes that it comes by, with their parameters. */
interface Table {
  /** `METHOD path`; the route is called by that, too. */
  readonly routes: readonly string[];
  readonly requests: Readonly<Record<string, readonly string[]>>;
}

/** What Hono exports, by the routers that it takes. */
const PRESETS = { smart: Hono, quick: Quick, tiny: Tiny };

const TABLES: Record<string, Table> = {
  "methods": {
    routes: ["GET /hello", "POST /hello", "PURGE /hello", "ALL /all"],
    requests: {
      "GET /hello": ["GET /hello"],
      "POST /hello": ["POST /hello"],
      "PURGE /hello": ["PURGE /hello"],
      "PUT /hello": [],
      "GET /": [],
      "GET /all": ["ALL /all"],
      "DELETE /all": ["ALL /all"],
    },
  },
  "names that are reserved": {
    routes: ["GET /entry/:constructor", "GET /wild/*/card", "GET /api/animals/:constructor?"],
    requests: {
      "GET /entry/123": ["GET /entry/:constructor constructor=123"],
      "GET /wild/constructor/card": ["GET /wild/*/card"],
      "GET /api/animals": ["GET /api/animals/:constructor?"],
    },
  },
  "parameters": {
    routes: ["GET /entry/:id", "GET /book", "GET /book/:id"],
    requests: {
      "GET /entry/123": ["GET /entry/:id id=123"],
      "GET /entry/a%20b": ["GET /entry/:id id=a b"],
      "GET /entry/%25%40": ["GET /entry/:id id=%@"],
      "GET /entry/1?id=2": ["GET /entry/:id id=1"],
      "GET /entry-123": [],
      "GET /book": ["GET /book"],
      "GET /book/": [],
      "GET /book/1": ["GET /book/:id id=1"],
    },
  },
  "expressions": {
    routes: ["GET /post/:date{[0-9]+}/:title{[a-z]+}", "GET /foo/:capture{(?:bar|baz)}"],
    requests: {
      "GET /post/20210101/hello": [
        "GET /post/:date{[0-9]+}/:title{[a-z]+} date=20210101 title=hello",
      ],
      "GET /post/onetwothree": [],
      "GET /post/123/123": [],
      "GET /foo/bar": ["GET /foo/:capture{(?:bar|baz)} capture=bar"],
      "GET /foo/baz": ["GET /foo/:capture{(?:bar|baz)} capture=baz"],
      "GET /foo/qux": [],
    },
  },
  "expressions over slashes": {
    routes: [
      "GET /js/:filename{[a-z0-9/]+.js}",
      "GET /js/main.js",
      "GET /:dirs{.+}/file.html",
    ],
    requests: {
      "GET /js/main.js": ["GET /js/:filename{[a-z0-9/]+.js} filename=main.js", "GET /js/main.js"],
      "GET /js/chunk/123.js": ["GET /js/:filename{[a-z0-9/]+.js} filename=chunk/123.js"],
      "GET /js/chunk/nest/123.js": ["GET /js/:filename{[a-z0-9/]+.js} filename=chunk/nest/123.js"],
      "GET /foo/bar/file.html": ["GET /:dirs{.+}/file.html dirs=foo/bar"],
      "GET /a/b/c/d/file.html": ["GET /:dirs{.+}/file.html dirs=a/b/c/d"],
    },
  },
  "expressions before others": {
    routes: [
      "GET /:first{.+}/middle-a/:reference?",
      "GET /:first{.+}/middle-b/end-c/:uuid",
      "GET /:first{.+}/middle-b/:digest",
    ],
    requests: {
      "GET /part1/middle-b/latest": [
        "GET /:first{.+}/middle-b/:digest digest=latest first=part1",
      ],
      "GET /part1/middle-b/end-c/latest": [
        "GET /:first{.+}/middle-b/end-c/:uuid first=part1 uuid=latest",
      ],
      "GET /foo/bar/middle-a": ["GET /:first{.+}/middle-a/:reference? first=foo/bar"],
      "GET /foo/bar/middle-a/1": [
        "GET /:first{.+}/middle-a/:reference? first=foo/bar reference=1",
      ],
    },
  },
  "wildcards": {
    routes: ["GET /wild/*/card", "GET /api/*", "GET /api", "GET /api/posts", "GET /path/*"],
    requests: {
      "GET /wild/xxx/card": ["GET /wild/*/card"],
      "GET /api": ["GET /api/*", "GET /api"],
      "GET /api/posts": ["GET /api/*", "GET /api/posts"],
      "GET /path": ["GET /path/*"],
      "GET /path/to/file": ["GET /path/*"],
      "GET /pathfoo": [],
    },
  },
  "stars": {
    routes: ["GET /", "GET /*", "GET *", "GET /x", "GET /x/*"],
    requests: {
      "GET /": ["GET /", "GET /*", "GET *"],
      "GET /x": ["GET /*", "GET *", "GET /x", "GET /x/*"],
    },
  },
  "long prefixes before stars": {
    routes: ["ALL /long/prefix/*", "ALL /long/*", "GET *"],
    requests: {
      "GET /": ["GET *"],
      "GET /long/prefix": ["ALL /long/prefix/*", "ALL /long/*", "GET *"],
      "GET /long/prefix/test": ["ALL /long/prefix/*", "ALL /long/*", "GET *"],
      "PUT /long/prefix/test": ["ALL /long/prefix/*", "ALL /long/*"],
    },
  },
  "the order of registration": {
    routes: ["GET *", "GET /:type/:action", "GET /posts/*"],
    requests: {
      "GET /posts/123": ["GET *", "GET /:type/:action action=123 type=posts", "GET /posts/*"],
    },
  },
  "a blog": {
    routes: [
      "ALL *",
      "GET *",
      "GET /entry",
      "POST /entry/*",
      "POST /entry",
      "GET /entry/:id",
      "GET /entry/:id/comment/:comment_id",
    ],
    requests: {
      "GET /": ["ALL *", "GET *"],
      "GET /entry/123": ["ALL *", "GET *", "GET /entry/:id id=123"],
      "GET /entry/123/comment/456": [
        "ALL *",
        "GET *",
        "GET /entry/:id/comment/:comment_id comment_id=456 id=123",
      ],
      "POST /entry": ["ALL *", "POST /entry/*", "POST /entry"],
      "DELETE /entry": ["ALL *"],
    },
  },
  "parameters of each handler": {
    routes: ["ALL *", "GET /entry/:id/*", "GET /entry/:id/:action"],
    requests: {
      "GET /entry/123/show": [
        "ALL *",
        "GET /entry/:id/* id=123",
        "GET /entry/:id/:action action=show id=123",
      ],
    },
  },
  "one name in several routes": {
    routes: ["GET /:id/:action", "GET /posts/:id"],
    requests: {
      "GET /posts/get": ["GET /:id/:action action=get id=posts", "GET /posts/:id id=get"],
    },
  },
  "parameters that may be missing": {
    routes: ["GET /api/animals/:type?", "GET /v1/:version?/:platform?"],
    requests: {
      "GET /api/animals/dog": ["GET /api/animals/:type? type=dog"],
      "GET /api/animals": ["GET /api/animals/:type?"],
      "GET /v1/123/abc": ["GET /v1/:version?/:platform? platform=abc version=123"],
      "GET /v1/123": ["GET /v1/:version?/:platform? version=123"],
      "GET /v1": ["GET /v1/:version?/:platform?"],
    },
  },
  "characters that mean something in expressions": {
    routes: ["ALL /$/*", "GET /$/:name", "ALL /()/*", "GET /()/:name"],
    requests: {
      "GET /$/hono": ["ALL /$/*", "GET /$/:name name=hono"],
      "GET /()/hono": ["ALL /()/*", "GET /()/:name name=hono"],
    },
  },
  "stars among others": {
    routes: ["GET /y/*", "GET /y/a", "ALL /y/b/*", "GET /y/b/bar", "ALL /x", "GET *"],
    requests: {
      "GET /y/b/bar": ["GET /y/*", "ALL /y/b/*", "GET /y/b/bar", "GET *"],
      "GET /x": ["ALL /x", "GET *"],
    },
  },
};

/** An app that tells which routes a request came by. */
function telling(preset: keyof typeof PRESETS, routes: readonly string[]): Hono {
  const app = new PRESETS[preset]<{ Variables: { trail: string[] } }>();
  for (const route of routes) {
    const [method, path] = route.split(" ") as [string, string];
    app.on(method, path, async (context, next) => {
      const parameters = Object.entries(context.req.param()).map(([name, value]) =>
        `${name}=${value}`
      );
      const passed = [route, ...parameters.sort()].join(" ");
      context.set("trail", [...context.get("trail") ?? [], passed]);
      await next();
    });
  }
  app.notFound((context) => context.json(context.get("trail") ?? []));
  return app as unknown as Hono;
}

/** Asks for all in one pipeline; gives what was answered, and what is without a wire. */
async function trails(
  libos: LibOS,
  preset: keyof typeof PRESETS,
  { routes, requests }: Table,
): Promise<[heard: Record<string, string[]>, made: Record<string, string[]>]> {
  const app = telling(preset, routes);
  await using server = serveHttp({ libos, ...LOOPBACK }, app.fetch);
  const asked = Object.keys(requests);
  const text = asked.map((request) => `${request} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
  const heard = (await answers(server.addr.port, text)).map(({ body }) => JSON.parse(body));
  const made = await Promise.all(asked.map(async (request) => {
    const [method, path] = request.split(" ") as [string, string];
    return await (await app.request(path, { method })).json();
  }));
  const named = (trails: string[][]) =>
    Object.fromEntries(asked.map((request, i) => [request, trails[i]!]));
  return [named(heard), named(made)];
}

for (const preset of Object.keys(PRESETS) as (keyof typeof PRESETS)[]) {
  netTest(`Hono, ${preset}, routes what comes over the wire`, async (libos) => {
    for (const [name, table] of Object.entries(TABLES)) {
      const [heard, made] = await trails(libos, preset, table);
      assertEquals(heard, made, name);
      // The others take "/book/" for "/book".
      if (preset === "smart") assertEquals(heard, table.requests, name);
    }
  });
}
