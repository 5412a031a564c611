/**
 * What the tests of HTTP share: messages as bytes, sent and read by Deno's own sockets.
 *
 * @module
 */

import {
  type Answer,
  type HttpRequest,
  type HttpServer,
  type HttpServerOptions,
  serveHttp,
} from "../../libos/http/mod.ts";
import type { Coroutine, InetAddress, LibOS } from "../../mod.ts";
import { bytes, exchange, LOOPBACK } from "../net/_net.ts";

/** An answer, taken apart. */
export interface Parsed {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A request without a body. */
export const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Both tiers. */
export const TIERS = ["fast", "fetch"] as const;

/** Tells of a request what a test wants to know: its method, its target and its body. */
export function telling(
  libos: LibOS,
  tier: (typeof TIERS)[number],
  options: HttpServerOptions<InetAddress> = {},
): HttpServer<InetAddress> {
  const all = { libos, ...LOOPBACK, ...options };
  if (tier === "fast") {
    return serveHttp({ ...all, tier }, function* (request) {
      const text = yield* request.text();
      return `${request.method} ${request.path}${request.query && "?"}${request.query} ${text}`;
    });
  }
  return serveHttp({ ...all, tier }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    return new Response(`${request.method} ${pathname}${search} ${text}`);
  });
}

/** A server of the fast tier, with what it told of errors. */
export function serveFast(
  libos: LibOS,
  handler: (request: HttpRequest) => Answer | Promise<Answer> | Coroutine<Answer>,
  limits: object = {},
) {
  const errors: unknown[] = [];
  const server = serveHttp(
    { libos, ...LOOPBACK, tier: "fast", onError: (error) => errors.push(error), ...limits },
    handler as (request: HttpRequest) => Answer,
  );
  return { server, errors, port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A stream of texts, which come one by one. */
export async function* parts(...texts: string[]) {
  for (const text of texts) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield text;
  }
}

/** Sends a text over a socket of Deno, closes its write side, and gives all answers that come back. */
export async function answers(port: number, request: string): Promise<Parsed[]> {
  return parse(await exchange(port, request));
}

/** The statuses of those. */
export async function statuses(port: number, request: string): Promise<number[]> {
  return (await answers(port, request)).map(({ status }) => status);
}

/** Takes answers apart that are told by their length, or end with the stream. */
export function parse(stream: string): Parsed[] {
  const found: Parsed[] = [];
  for (let rest = stream; rest !== "";) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) throw new Error(`no answer: ${rest}`);
    const [first, ...lines] = rest.slice(0, end).split("\r\n");
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(first!) ?? [];
    if (status === undefined) throw new Error(`no status line: ${first}`);
    const headers = new Headers(lines.map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)] as [string, string];
    }));
    rest = rest.slice(end + 4);
    let body = "";
    if (headers.get("transfer-encoding") === "chunked") {
      for (let size = -1; size !== 0;) {
        const line = rest.indexOf("\r\n");
        size = parseInt(rest.slice(0, line), 16);
        body += rest.slice(line + 2, line + 2 + size);
        rest = rest.slice(line + 4 + size);
      }
    } else {
      const length = Number(headers.get("content-length") ?? (Number(status) < 200 ? 0 : Infinity));
      body = rest.slice(0, length);
      rest = rest.slice(body.length);
    }
    found.push({ status: Number(status), headers, body });
  }
  return found;
}

/** A socket of Deno on which a test says and hears one thing after the other. */
export class Peer implements Disposable {
  readonly #connection: Deno.TcpConn;
  #heard = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects; what is said goes out at once. */
  static async to(port: number): Promise<Peer> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay();
    return new Peer(connection);
  }

  /** Says something. */
  async say(what: string | Uint8Array<ArrayBuffer>): Promise<void> {
    let left = typeof what === "string" ? bytes(what) : what;
    while (left.length > 0) {
      left = left.subarray(await this.#connection.write(left));
    }
  }

  /** Hears until something is there, or the stream ends; gives all that came since the last time. */
  async hear(what: string | RegExp): Promise<string> {
    const buffer = new Uint8Array(65536);
    while (!(typeof what === "string" ? this.#heard.includes(what) : what.test(this.#heard))) {
      const length = await this.#connection.read(buffer);
      if (length === null) break;
      this.#heard += new TextDecoder().decode(buffer.subarray(0, length));
    }
    const heard = this.#heard;
    this.#heard = "";
    return heard;
  }

  /** Hears until the stream ends. */
  rest(): Promise<string> {
    return this.hear(/(?!)/);
  }

  /** Says no more. */
  async end(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Closes. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
