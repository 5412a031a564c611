/**
 * `Deno.serve`, as for metrics: `GET /` is answered at once. `GET /NAME?milliseconds=N` measures one of {@linkcode BESIDE}
 * from within this process for so long, and answers how long each time took, in nanoseconds, as JSON.
 *
 *     deno run -A deno_serve.ts [--hostname 127.0.0.1]
 *
 * @module
 */
import { parseArgs } from "node:util";

/** What else goes on in a process: each takes the URL of the server, and gives nanoseconds. */
const BESIDE: Readonly<Record<string, (url: string) => Promise<number>>> = {
  fetch: (url) => timed(async () => await (await fetch(url)).text()),
  readFile: () => timed(() => Deno.readFile(FILE)),
  // How late it is.
  setTimeout: async () =>
    Math.max(0, await timed(() => new Promise((resolve) => setTimeout(resolve, 1))) - 1e6),
};

const FILE = new URL(import.meta.url);

/** Starts it. */
export function serveHttp(hostname: string): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname, port: 0, onListen() {} }, async ({ url }) => {
    const { pathname, searchParams, origin } = new URL(url);
    const measure = BESIDE[pathname.slice(1)];
    if (measure === undefined) return new Response("hello");
    const times: number[] = [];
    const end = performance.now() + Number(searchParams.get("milliseconds"));
    while (performance.now() < end) times.push(await measure(origin));
    return Response.json(times);
  });
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await action();
  return (performance.now() - begin) * 1e6;
}

if (import.meta.main) {
  const { hostname } =
    parseArgs({ options: { hostname: { type: "string", default: "127.0.0.1" } } }).values;
  console.log(`listening on ${hostname}:${serveHttp(hostname).addr.port}`);
}
