/**
 * An app of Hono as a server: middleware, errors, bodies, streams and what Hono brings along, by the facts of its own tests.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "npm:hono@4.13.19";
import { basicAuth } from "npm:hono@4.13.19/basic-auth";
import { bodyLimit } from "npm:hono@4.13.19/body-limit";
import { compress } from "npm:hono@4.13.19/compress";
import { getSignedCookie, setCookie, setSignedCookie } from "npm:hono@4.13.19/cookie";
import { cors } from "npm:hono@4.13.19/cors";
import { getConnInfo } from "npm:hono@4.13.19/deno";
import { etag } from "npm:hono@4.13.19/etag";
import { HTTPException } from "npm:hono@4.13.19/http-exception";
import { methodOverride } from "npm:hono@4.13.19/method-override";
import { requestId } from "npm:hono@4.13.19/request-id";
import { stream, streamSSE, streamText } from "npm:hono@4.13.19/streaming";
import { timeout } from "npm:hono@4.13.19/timeout";
import { trimTrailingSlash } from "npm:hono@4.13.19/trailing-slash";
import { validator } from "npm:hono@4.13.19/validator";
import { serveHttp } from "../../libos/http/mod.ts";
import type { LibOS } from "../../mod.ts";
import { LOOPBACK, netTest } from "../net/_net.ts";

/** Serves an app, and gives a function that asks it by Deno's own client. */
function serve(libos: LibOS, app: Hono) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const server = serveHttp({ libos, ...LOOPBACK, onError }, app.fetch);
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const base = `http://127.0.0.1:${server.addr.port}`;
  return {
    errors,
    ask: (path: string, init?: RequestInit) =>
      fetch(`${base}${path}`, { redirect: "manual", ...init, client }),
    async [Symbol.asyncDispose]() {
      client.close();
      await server.shutdown();
    },
  };
}

/** The status and the text of an answer. */
async function told(response: Promise<Response>): Promise<[status: number, text: string]> {
  const { status } = await response;
  return [status, await (await response).text()];
}

netTest("Hono answers with texts, JSON, HTML, bytes, nothing and redirects", async (libos) => {
  const app = new Hono()
    .get("/text", (context) => context.text("tëxt", 201, { "x-a": "1" }))
    .get("/json", (context) => context.json({ a: [1, null] }))
    .get("/html", (context) => context.html("<p>a</p>"))
    .get("/bytes", (context) => context.body(new Uint8Array([1, 2, 3])))
    .get("/none", (context) => context.body(null, 204))
    .get("/to", (context) => context.redirect("/text", 307))
    .get("/headers", (context) => {
      context.header("x-a", "1");
      context.header("x-a", "2", { append: true });
      setCookie(context, "a", "1");
      setCookie(context, "b", "2", { httpOnly: true });
      return context.text("");
    });
  await using at = serve(libos, app);
  const text = await at.ask("/text");
  assertEquals([text.status, text.headers.get("x-a"), await text.text()], [201, "1", "tëxt"]);
  assertEquals(await (await at.ask("/json")).json(), { a: [1, null] });
  const html = await at.ask("/html");
  assertEquals([html.headers.get("content-type"), await html.text()], [
    "text/html; charset=UTF-8",
    "<p>a</p>",
  ]);
  assertEquals([...await (await at.ask("/bytes")).bytes()], [1, 2, 3]);
  assertEquals(await told(at.ask("/none")), [204, ""]);
  const to = await at.ask("/to");
  assertEquals([to.status, to.headers.get("location"), await to.text()], [307, "/text", ""]);
  const { headers, body } = await at.ask("/headers");
  await body?.cancel();
  assertEquals([headers.get("x-a"), headers.getSetCookie()], [
    "1, 2",
    ["a=1; Path=/", "b=2; Path=/; HttpOnly"],
  ]);
  // A GET without its body.
  const head = await at.ask("/text", { method: "HEAD" });
  assertEquals([head.status, head.headers.get("x-a"), await head.text()], [201, "1", ""]);
});

netTest(
  "Hono's middleware runs around its handlers, in order, also where they throw",
  async (libos) => {
    const app = new Hono<{ Variables: { seen: string } }>();
    for (const name of ["a", "b"]) {
      app.use(async (context, next) => {
        context.set("seen", `${context.get("seen") ?? ""}${name}`);
        await next();
        context.res.headers.append("x-seen", `${context.get("seen")}${name}`);
      });
    }
    const inner = new Hono<{ Variables: { seen: string } }>()
      .get("/deep/:id", (context) => context.text(context.req.param("id")))
      .all("*", (context) => context.text("none within", 404));
    app.route("/inner", inner);
    app.mount("/mounted", (request: Request) => new Response(new URL(request.url).pathname));
    app.get("/throws", () => {
      throw new Error("broken");
    });
    app.get("/refuses", () => {
      throw new HTTPException(418, { message: "a teapot" });
    });
    app.onError((error, context) =>
      error instanceof HTTPException
        ? error.getResponse()
        : context.text(`caught ${error.message}`, 500)
    );
    app.notFound((context) => context.text(`no ${context.req.path}`, 404));
    await using at = serve(libos, app as unknown as Hono);
    const deep = await at.ask("/inner/deep/5");
    assertEquals([deep.headers.get("x-seen"), await deep.text()], ["abb, aba", "5"]);
    assertEquals(await told(at.ask("/inner/else")), [404, "none within"]);
    assertEquals(await told(at.ask("/mounted/x/y")), [200, "/x/y"]);
    const thrown = await at.ask("/throws");
    assertEquals([thrown.status, thrown.headers.get("x-seen"), await thrown.text()], [
      500,
      "abb, aba",
      "caught broken",
    ]);
    assertEquals(await told(at.ask("/refuses")), [418, "a teapot"]);
    assertEquals(await told(at.ask("/none")), [404, "no /none"]);
    assertEquals(at.errors, []);
  },
);

netTest(
  "Hono reads bodies of all kinds, several times, and refuses what is wrong",
  async (libos) => {
    const app = new Hono()
      .post("/text", async ({ req, text }) => text(await req.text() + await req.text()))
      .post("/json", async ({ req, json }) => json([await req.json(), await req.text()]))
      .post("/bytes", async ({ req, json }) => json([...new Uint8Array(await req.arrayBuffer())]))
      .post("/form", async ({ req, json }) => {
        const { a, b, file } = await req.parseBody({ all: true });
        const part = file instanceof File ? [file.name, file.type, await file.text()] : null;
        return json([a ?? null, b ?? null, part]);
      })
      .post(
        "/valid",
        validator(
          "json",
          ({ id }, { text }) => typeof id === "number" ? { id } : text("no id", 400),
        ),
        ({ req, json }) => json(req.valid("json")),
      )
      .post(
        "/limited",
        bodyLimit({ maxSize: 10, onError: ({ text }) => text("too much", 413) }),
        async ({ req, text }) => text(await req.text()),
      )
      .post("/stream", ({ req }) => new Response(req.raw.body))
      .onError((error, { text }) =>
        text(error.name, error instanceof HTTPException ? error.status : 500)
      );
    await using at = serve(libos, app);
    const post = (path: string, body: BodyInit, headers: HeadersInit = {}) =>
      at.ask(path, { method: "POST", body, headers });
    const json = { "content-type": "application/json" };
    assertEquals(await told(post("/text", "tëxt")), [200, "tëxttëxt"]);
    assertEquals(await told(post("/json", '{"a":1}', json)), [200, '[{"a":1},"{\\"a\\":1}"]']);
    assertEquals(await told(post("/json", "{", json)), [500, "SyntaxError"]);
    assertEquals(await told(post("/bytes", new Uint8Array([0, 255]))), [200, "[0,255]"]);
    const fields = new URLSearchParams([["a", "1"], ["b", "x y"], ["b", "&"]]);
    assertEquals(await told(post("/form", fields)), [200, '["1",["x y","&"],null]']);
    const form = new FormData();
    form.set("a", "é");
    form.set("file", new File(["content\r\n"], "n.txt", { type: "text/plain" }));
    assertEquals(await told(post("/form", form)), [
      200,
      '["é",null,["n.txt","text/plain","content\\r\\n"]]',
    ]);
    assertEquals(await told(post("/valid", '{"id":1}', json)), [200, '{"id":1}']);
    assertEquals(await told(post("/valid", "{}", json)), [400, "no id"]);
    assertEquals((await told(post("/valid", "{", json)))[0], 400);
    assertEquals(await told(post("/limited", "short")), [200, "short"]);
    assertEquals(await told(post("/limited", "longer than that")), [413, "too much"]);
    const chunks = () => ReadableStream.from(Array(3).fill(new TextEncoder().encode("12345")));
    assertEquals(await told(post("/limited", chunks())), [413, "too much"]);
    const large = "x".repeat(3_000_000);
    assertEquals((await told(post("/stream", large)))[1] === large, true);
  },
);

netTest(
  "Hono streams texts, bytes and events, and hears that a client went away",
  async (libos) => {
    const gone = Promise.withResolvers<void>();
    const app = new Hono()
      .get("/text", (context) =>
        streamText(context, async (to) => {
          for (let i = 0; i < 5; i++) {
            await to.writeln(`${i}`);
            await to.sleep(1);
          }
        }))
      .get("/bytes", (context) =>
        stream(context, async (to) => {
          await to.pipe(ReadableStream.from([new Uint8Array([1]), new Uint8Array(100_000)]));
        }))
      .get("/events", (context) =>
        streamSSE(context, async (to) => {
          for (const id of ["1", "2"]) await to.writeSSE({ id, event: "tick", data: `a\nb` });
        }))
      .get("/forever", (context) =>
        streamText(context, async (to) => {
          to.onAbort(() => gone.resolve());
          while (!to.aborted) {
            await to.write("more");
            await to.sleep(1);
          }
        }));
    await using at = serve(libos, app);
    assertEquals(await told(at.ask("/text")), [200, "0\n1\n2\n3\n4\n"]);
    assertEquals((await (await at.ask("/bytes")).bytes()).length, 100_001);
    const events = await at.ask("/events");
    assertEquals(events.headers.get("content-type"), "text/event-stream");
    const event = (id: number) => `event: tick\ndata: a\ndata: b\nid: ${id}\n\n`;
    assertEquals(await events.text(), event(1) + event(2));
    const reader = (await at.ask("/forever")).body!.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value).startsWith("more"), true);
    await reader.cancel();
    await gone.promise;
  },
);

netTest("what Hono brings along does over the wire what it says", async (libos) => {
  const text = "compressible ".repeat(1000);
  const late = Promise.withResolvers<string>();
  const app = new Hono()
    .use("/auth/*", basicAuth({ username: "u", password: "p" }))
    .get("/auth/page", (context) => context.text("inside"))
    .use("/cors/*", cors({ origin: "http://a.example", allowMethods: ["PUT"] }))
    .put("/cors/page", (context) => context.text("put"))
    .get("/etag", etag(), (context) => context.text("the same"))
    .get("/zip", compress(), (context) => context.text(text))
    .get("/cookie", async (context) => {
      const seen = await getSignedCookie(context, "secret", "n");
      await setSignedCookie(context, "n", `${Number(seen || 0) + 1}`, "secret");
      return context.text(`${seen}`);
    })
    .use("/form", methodOverride({ app: new Hono().delete("/form", (c) => c.text("deleted")) }))
    .get("/id", requestId(), (context) => context.text(context.get("requestId")))
    .get("/late", timeout(20), async (context) => context.text(await late.promise))
    .get("/slash", (context) => context.text("slash"))
    .use(trimTrailingSlash())
    .get("/who", (context) => context.text(`${getConnInfo(context).remote.address}`));
  await using at = serve(libos, app as unknown as Hono);
  assertEquals((await told(at.ask("/auth/page")))[0], 401);
  const authorization = `Basic ${btoa("u:p")}`;
  assertEquals(await told(at.ask("/auth/page", { headers: { authorization } })), [200, "inside"]);
  const asked = { origin: "http://a.example", "access-control-request-method": "PUT" };
  const preflight = await at.ask("/cors/page", { method: "OPTIONS", headers: asked });
  assertEquals([
    preflight.status,
    preflight.headers.get("access-control-allow-origin"),
    preflight.headers.get("access-control-allow-methods"),
  ], [204, "http://a.example", "PUT"]);
  const first = await at.ask("/etag");
  assertEquals(await first.text(), "the same");
  const tag = first.headers.get("etag")!;
  assertMatch(tag, /^"[0-9a-f]+"$/);
  assertEquals(await told(at.ask("/etag", { headers: { "if-none-match": tag } })), [304, ""]);
  const zipped = await at.ask("/zip", { headers: { "accept-encoding": "gzip" } });
  assertEquals(await zipped.text(), text);
  assertEquals(zipped.headers.get("vary"), "Accept-Encoding");
  const fresh = await at.ask("/cookie");
  assertEquals(await fresh.text(), "undefined");
  const [cookie] = fresh.headers.getSetCookie()[0]!.split(";");
  assertEquals(await told(at.ask("/cookie", { headers: { cookie: cookie! } })), [200, "1"]);
  const forged = cookie!.replace("n=1", "n=9");
  assertEquals(await told(at.ask("/cookie", { headers: { cookie: forged } })), [200, "false"]);
  const body = new URLSearchParams({ _method: "DELETE" });
  assertEquals(await told(at.ask("/form", { method: "POST", body })), [200, "deleted"]);
  const id = await at.ask("/id", { headers: { "x-request-id": "mine" } });
  assertEquals([id.headers.get("x-request-id"), await id.text()], ["mine", "mine"]);
  assertEquals((await told(at.ask("/late")))[0], 504);
  late.resolve("late");
  const slash = await at.ask("/slash/?q=1");
  await slash.body?.cancel();
  assertEquals(slash.status, 301);
  assert(slash.headers.get("location")!.endsWith("/slash?q=1"));
  assertEquals(await told(at.ask("/who")), [200, "127.0.0.1"]);
});
