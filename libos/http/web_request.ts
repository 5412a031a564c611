/**
 * A request as a `Request` of the web: what is not touched is not made.
 *
 * @module
 */

import { hasSignal, type HttpRequest, setCompanion } from "./request.ts";
import { standFor } from "./stand_in.ts";
import { WebHeaders } from "./web_headers.ts";

/** See the module's description. */
export class WebRequest {
  #request: HttpRequest | null;
  #method: string | undefined;
  #url: string | undefined;
  #headers: Headers | undefined;
  #signal: AbortSignal | undefined;
  #used = false;
  #real: Request | null = null;

  /** Stands for a request as long as that is under way. */
  constructor(request: HttpRequest) {
    this.#request = request;
    setCompanion(request, this);
  }

  /** A request, for a handler. */
  static of(request: HttpRequest): Request {
    const web = new WebRequest(request);
    return standsIn ? web as unknown as Request : web.real();
  }

  /** The request that this is one of; null if it is none of this server's, or answered. */
  static httpRequestOf(request: Request): HttpRequest | null {
    return request instanceof WebRequest ? (request as WebRequest).#request : null;
  }

  /** It is answered: what was not asked for is gone, as with `Deno.serve`. */
  end(): void {
    this.#request = null;
    if (this.#headers !== undefined) WebHeaders.end(this.#headers);
  }

  /** As of `Request`. */
  get method(): string {
    return this.#method ??= this.#open().method;
  }

  /** As of `Request`. */
  get url(): string {
    return this.#url ??= this.#open().url;
  }

  /** As of `Request`. */
  get headers(): Headers {
    return this.#headers ??= WebHeaders.of(this.#open());
  }

  /** As of `Request`. */
  get signal(): AbortSignal {
    return this.#signal ??= this.#open().signal;
  }

  /** As of `Request`. */
  get bodyUsed(): boolean {
    return this.#used || (this.#real?.bodyUsed ?? false);
  }

  /** As of `Request`. */
  async text(): Promise<string> {
    return this.#real === null ? await this.#take().text(ALL) : await this.#real.text();
  }

  /** As of `Request`. */
  async json(): Promise<unknown> {
    return this.#real === null ? await this.#take().json(ALL) : await this.#real.json();
  }

  /** As of `Request`. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#real === null ? await this.#take().bytes(ALL) : await this.#real.bytes();
  }

  /** As of `Request`. */
  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer;
  }

  /** See {@linkcode StandIn}. */
  real(): Request {
    if (this.#real !== null) return this.#real;
    const request = this.#open();
    // As fetch has it; what came is skipped.
    const hasBody = request.hasBody && this.method !== "GET" && this.method !== "HEAD";
    const real = new Request(this.url, {
      method: this.method,
      headers: this.headers,
      ...(hasSignal(request) && { signal: this.signal }),
      ...(hasBody && { body: this.#used ? "" : streamOf(request), duplex: "half" }),
    });
    if (this.#used && hasBody) void real.text();
    return this.#real = real;
  }

  #take(): HttpRequest {
    const request = this.#open();
    if (this.#used) throw new TypeError("Body already consumed");
    this.#used = request.hasBody;
    return request;
  }

  #open(): HttpRequest {
    if (this.#request === null) throw new TypeError("Cannot read: the request is answered");
    return this.#request;
  }
}

/** The server's own bound is the bound. */
const ALL = { limit: Infinity };

/** The body as a stream that reads nothing ahead. */
function streamOf(request: HttpRequest): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    async pull(controller: ReadableByteStreamController) {
      const sga = await request.pop();
      if (sga === null) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      controller.enqueue(sga.toUint8Array());
      sga.free();
    },
  });
}

const standsIn = standFor(WebRequest.prototype, Request, new Request("http://localhost/"));
