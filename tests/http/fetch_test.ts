/**
 * The fetch tier: what stands for a `Request` is one, whatever is done with it, and each `Response` is sent as it is.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type FetchHandler, serveHttp } from "../../libos/http/mod.ts";
import { Hono } from "npm:hono@4.13.19";
import type { InetAddress, LibOS } from "../../mod.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";
import { answers, Peer } from "./_http.ts";

/** Serves a handler, and gives a function that asks it; what is thrown is told in the answer. */
function serve(libos: LibOS, handler: FetchHandler<InetAddress>) {
  const errors: unknown[] = [];
  const server = serveHttp(
    { libos, ...LOOPBACK, onError: (error) => errors.push(error) },
    handler,
  );
  const base = `http://127.0.0.1:${server.addr.port}`;
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  return {
    server,
    errors,
    base,
    ask: (path: string, init?: RequestInit) => fetch(`${base}${path}`, { ...init, client }),
    async [Symbol.asyncDispose]() {
      client.close();
      await server.shutdown();
    },
  };
}

netTest("a Request is what Deno makes of one", async (libos) => {
  const done: Record<string, (request: Request) => unknown> = {
    "/is": (request) => [request instanceof Request, request.headers instanceof Headers],
    "/plain": (request) => [request.method, request.url, request.bodyUsed],
    "/headers": (request) => [
      request.headers.get("X-A"),
      request.headers.has("x-b"),
      [...request.headers].filter(([name]) => name.startsWith("x-")),
    ],
    "/set": (request) => {
      const headers = new Headers(request.headers);
      headers.set("x-a", "2");
      return [headers.get("x-a"), request.headers.get("x-a")];
    },
    "/text": async (request) => [await request.text(), request.bodyUsed],
    "/json": (request) => request.json(),
    "/bytes": async (request) => [...await request.bytes()],
    "/arrayBuffer": async (request) => (await request.arrayBuffer()).byteLength,
    "/blob": async (request) => {
      const blob = await request.blob();
      return [blob.type, await blob.text()];
    },
    "/formData": async (request) => [...await request.formData()],
    "/body": async (request) => await new Response(request.body).text(),
    "/clone": async (request) => {
      const clone = request.clone();
      return [await request.text(), await clone.text(), clone.headers.get("x-a")];
    },
    "/new": async (request) => {
      const other = new Request("http://other/", request);
      return [other.url, other.method, await other.text(), other.headers.get("x-a")];
    },
    "/twice": async (request) => {
      await request.text();
      return await request.text().catch((error) => error.name);
    },
    "/after": async (request) => {
      const body = request.body;
      await request.text();
      return [body?.locked, request.bodyUsed];
    },
    "/inspect": (request) => Deno.inspect(request).startsWith("Request {"),
  };
  const handler = async (request: Request) =>
    Response.json((await done[new URL(request.url).pathname]!(request)) ?? null);
  await using ours = serve(libos, handler);
  for (const path of Object.keys(done)) {
    const form = path === "/formData";
    const init: RequestInit = {
      method: "POST",
      headers: {
        "x-a": "1",
        "x-c": "a, b",
        "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
      },
      body: form ? "a=1&b=c%20d" : '{"a":[1,"ü"]}',
    };
    const expected = await handler(new Request(ours.base + path, init));
    assertEquals(await (await ours.ask(path, init)).text(), await expected.text());
  }
  assertEquals(ours.errors, []);
});

netTest(
  "a Request has no body where fetch gives it none, and a body that came is skipped",
  async (libos) => {
    await using at = serve(libos, async (request) => {
      const clone = request.clone();
      return new Response(`${request.method} ${clone.body} ${await clone.text()}`);
    });
    const request = "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    assertEquals(
      (await answers(at.server.addr.port, request + request)).map(({ body }) => body),
      ["GET null ", "GET null "],
    );
  },
);

netTest("a Request that is read when it is answered tells so", async (libos) => {
  const kept: Request[] = [];
  await using at = serve(libos, (request) => (kept.push(request), new Response("ok")));
  assertEquals(await (await at.ask("/a")).text(), "ok");
  for (const read of [() => kept[0]!.url, () => kept[0]!.headers, () => kept[0]!.clone()]) {
    let error: unknown;
    try {
      read();
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof TypeError);
    assertStringIncludes(error.message, "the request is answered");
  }
});

netTest("a Response is sent as Deno sends it", async (libos) => {
  const used = () => {
    const response = new Response("used");
    void response.text();
    return response;
  };
  const made: Record<string, () => Response | Promise<Response>> = {
    "/text": () => new Response("text"),
    "/later": () => Promise.resolve(new Response("later")),
    "/status": () => new Response("made", { status: 201, headers: { "x-a": "b" } }),
    "/typed": () => new Response("<p>", { headers: { "content-type": "text/html" } }),
    "/touched": () => {
      const response = new Response("touched");
      response.headers.set("x-a", "b");
      return response;
    },
    "/json": () => Response.json({ a: 1 }),
    "/bytes": () => new Response(new Uint8Array([65, 66])),
    "/buffer": () => new Response(new Uint8Array([65, 66]).buffer),
    "/blob": () => new Response(new Blob(["blob"], { type: "text/x" })),
    "/form": () => new Response(new URLSearchParams({ a: "b c" })),
    "/stream": () =>
      new Response(ReadableStream.from([new Uint8Array([65]), new Uint8Array([66])])),
    "/clone": () => new Response("clone").clone(),
    "/null": () => new Response(null),
    "/empty": () => new Response(""),
    "/204": () => new Response(null, { status: 204 }),
    "/304": () => new Response(null, { status: 304, headers: { etag: '"a"' } }),
    "/redirect": () => Response.redirect("http://a/b", 307),
    "/cookies": () => {
      const response = new Response("c");
      response.headers.append("set-cookie", "a=1");
      response.headers.append("set-cookie", "b=2");
      return response;
    },
    "/throws": () => {
      throw new Error("thrown");
    },
    "/used": used,
    "/nothing": () => undefined as never,
    "/error": () => Response.error(),
  };
  const handler = (request: Request) => made[new URL(request.url).pathname]!();
  await using ours = serve(libos, handler);
  await using theirs = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    onError: () => new Response("Internal Server Error\n", { status: 500 }),
  }, handler);
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  for (const path of Object.keys(made)) {
    const tell = async (response: Response) => [
      path,
      response.status,
      // Of these each server has its own.
      [...response.headers].filter(([name]) =>
        !/^(date|vary|content-length|connection)$/.test(name)
      )
        .filter(([name]) => response.status !== 500 || name !== "content-type"),
      await response.text(),
    ];
    const init: RequestInit = { redirect: "manual" };
    const expected = await fetch(`http://127.0.0.1:${theirs.addr.port}${path}`, {
      ...init,
      client,
    });
    assertEquals(await tell(await ours.ask(path, init)), await tell(expected));
  }
  client.close();
  assertEquals(ours.errors.length, 4);
});

netTest("bodies go through as streams, with what they are slowed down by", async (libos) => {
  await using at = serve(libos, (request) => new Response(request.body));
  const parts = Array.from({ length: 300 }, (_, i) => new Uint8Array(10_000).fill(i));
  const response = await at.ask("/", { method: "POST", body: ReadableStream.from(parts) });
  let length = 0;
  for await (const part of response.body!) {
    for (let i = 0; i < part.length; i += 997) {
      assertEquals(part[i], Math.floor((length + i) / 10_000) % 256);
    }
    length += part.length;
  }
  assertEquals(length, 3_000_000);
  assertEquals(at.errors, []);
});

netTest("info tells where the client is, and the signal that it is gone", async (libos) => {
  const gone = Promise.withResolvers<void>();
  await using at = serve(libos, (request, info) => {
    if (new URL(request.url).pathname === "/addr") return Response.json(info.remoteAddr);
    return new Promise<Response>((resolve) =>
      request.signal.addEventListener("abort", () => {
        gone.resolve();
        resolve(new Response(""));
      })
    );
  });
  const { hostname, port } = await (await at.ask("/addr")).json();
  assertEquals([hostname, typeof port], ["127.0.0.1", "number"]);
  {
    using peer = await Peer.to(at.server.addr.port);
    await peer.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await gone.promise;
});

netTest(
  "an app of Hono is served as it is: routes, parameters, middleware, forms and errors",
  async (libos) => {
    const app = new Hono();
    app.use(async (context, next) => {
      await next();
      context.header("x-by", "hono");
    });
    app.get("/", (context) => context.text("hello"));
    app.get("/hello/:name", (context) => context.json({ hello: context.req.param("name") }));
    app.get("/query", (context) => context.json(context.req.queries("a") ?? null));
    app.get("/html", (context) => context.html("<p>"));
    app.post("/json", async (context) => context.json(await context.req.json()));
    app.post("/form", async (context) => context.json(await context.req.parseBody()));
    app.post("/echo", (context) => new Response(context.req.raw.body));
    app.get("/throws", () => {
      throw new Error("thrown");
    });
    app.onError((error, context) => context.text(error.message, 418));
    app.route("/sub", new Hono().all("/*", (context) => context.text(context.req.path)));
    await using at = serve(libos, app.fetch);
    const ask = async (path: string, init?: RequestInit) => {
      const response = await at.ask(path, init);
      return [response.status, response.headers.get("x-by"), await response.text()];
    };
    const form = new FormData();
    form.set("a", "b");
    form.set("file", new File(["content"], "name.txt"));
    assertEquals(await ask("/"), [200, "hono", "hello"]);
    assertEquals(await ask("/hello/you"), [200, "hono", '{"hello":"you"}']);
    assertEquals(await ask("/query?a=1&a=2"), [200, "hono", '["1","2"]']);
    assertEquals(await ask("/html"), [200, "hono", "<p>"]);
    assertEquals(await ask("/json", { method: "POST", body: "[1]" }), [200, "hono", "[1]"]);
    assertEquals(await ask("/form", { method: "POST", body: form }), [
      200,
      "hono",
      '{"a":"b","file":{}}',
    ]);
    assertEquals(await ask("/echo", { method: "POST", body: "echo" }), [200, "hono", "echo"]);
    assertEquals(await ask("/throws"), [418, "hono", "thrown"]);
    assertEquals(await ask("/sub/a/b"), [200, "hono", "/sub/a/b"]);
    assertEquals((await ask("/none"))[0], 404);
  },
);
