/**
 * The fields of a request as `Headers`: looked up where they lie, as long as nobody wants more than that.
 *
 * @module
 */

import type { HttpRequest } from "./request.ts";
import { standFor } from "./stand_in.ts";

/** See the module's description. */
export class WebHeaders {
  #request: HttpRequest | null;
  #real: Headers | null = null;

  /** Of a request. */
  constructor(request: HttpRequest) {
    this.#request = request;
  }

  /** The fields of a request. */
  static of(request: HttpRequest): Headers {
    const headers = new WebHeaders(request);
    return standsIn ? headers as unknown as Headers : headers.real();
  }

  /** The request is answered; what was not asked for is gone. */
  static end(headers: Headers): void {
    if (headers instanceof WebHeaders) (headers as WebHeaders).#request = null;
  }

  /** See {@linkcode StandIn}. */
  real(): Headers {
    return this.#real ??= new Headers([...this.#open().headers()]);
  }

  /** As of `Headers`. */
  get(name: string): string | null {
    if (this.#real !== null || typeof name !== "string") return this.real().get(name);
    return this.#open().header(name.toLowerCase());
  }

  /** As of `Headers`. */
  has(name: string): boolean {
    if (this.#real !== null || typeof name !== "string") return this.real().has(name);
    return this.#open().header(name.toLowerCase()) !== null;
  }

  #open(): HttpRequest {
    if (this.#request === null) throw new TypeError("Cannot read headers: the request is answered");
    return this.#request;
  }
}

const standsIn = standFor(WebHeaders.prototype, Headers, new Headers());
