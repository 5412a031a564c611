/**
 * Load on a server of HTTP from clients that are on the kernel's sockets: many requests, many WebSockets, and many clients
 * that are slow.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { serveHttp } from "../../libos/http/mod.ts";
import { upgradeWebSocket } from "../../libos/http/websocket.ts";
import type { InetAddress } from "../../mod.ts";
import type { HttpServer } from "../../libos/http/mod.ts";
import type { TIERS } from "./_http.ts";
import type { Place } from "./_places.ts";

/** How much load. */
export interface Load {
  /** Seconds that it lasts. */
  readonly seconds: number;
  /** Connections. */
  readonly connections: number;
}

/** wrk sends so many requests at once. */
const PIPELINE = `
local text
init = function(args) text = string.rep(wrk.format(), tonumber(args[1])) end
request = function() return text end
`;

/** Answers `hello`, and echoes WebSockets. */
export function serveLoad(
  { libos, hostname }: Place,
  tier: (typeof TIERS)[number],
): HttpServer<InetAddress> {
  const where = { libos, hostname, port: 0 };
  const echo = (socket: WebSocket) => {
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket.send(data);
  };
  if (tier === "fetch") {
    return serveHttp(where, (request) => {
      if (!request.headers.has("upgrade")) return new Response("hello");
      const { socket, response } = upgradeWebSocket(request);
      echo(socket);
      return response;
    });
  }
  return serveHttp({ ...where, tier }, (request) => {
    if (request.header("upgrade") === null) return "hello";
    const { socket, response } = upgradeWebSocket(request);
    echo(socket);
    return response;
  });
}

/** Asks by wrk, so many requests at once on each connection; fails where one was answered wrongly. */
export async function ask(
  place: Place,
  port: number,
  { seconds, connections }: Load,
  depth: number,
): Promise<void> {
  const script = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(script, PIPELINE);
    const { code, stdout, stderr } = await place.run("wrk", [
      ...["-t1", `-c${connections}`, `-d${seconds}`, "--timeout", "30", "-s", script],
      ...[`http://${place.hostname}:${port}/`, "--", `${depth}`],
    ]);
    assertEquals(code, 0, stderr);
    assert(!/errors|Non-2xx/.test(stdout), stdout);
    assert(Number(/(\d+) requests in/.exec(stdout)?.[1]) > 0, stdout);
  } finally {
    await Deno.remove(script);
  }
}

/** Talks on WebSockets of Deno; fails where an echo came back wrong, or not. */
export async function talk(
  place: Place,
  port: number,
  { seconds, connections }: Load,
): Promise<void> {
  const { code, stdout, stderr } = await place.run(Deno.execPath(), [
    ...["run", "--no-check", "--allow-net", program("_socket_clients.ts")],
    ...[`ws://${place.hostname}:${port}/`, `${connections}`, `${seconds}`],
  ]);
  assertEquals(code, 0, stderr);
  assert(Number(stdout) > 0, stdout);
}

/** The path of a program beside this module. */
export function program(name: string): string {
  return new URL(name, import.meta.url).pathname;
}
