/**
 * The fetch tier: handlers that are called with a `Request` and give a `Response`.
 *
 * @module
 */

import type { SocketAddress } from "../pdpix.ts";
import type { Answer, Switching } from "./answer.ts";
import type { HttpRequest } from "./request.ts";
import type { Answered } from "./session.ts";
import { WebRequest } from "./web_request.ts";
import { answerOf } from "./web_response.ts";

/** What a handler of the fetch tier is told beside the request, as by `Deno.serve`. */
export class HttpInfo<A extends SocketAddress = SocketAddress> {
  readonly #request: HttpRequest;

  /** Of a request. */
  constructor(request: HttpRequest) {
    this.#request = request;
  }

  /** The address of the client. */
  get remoteAddr(): A {
    return this.#request.remoteAddr as A;
  }
}

/** A handler of the fetch tier. What it throws is answered with 500. */
export type FetchHandler<A extends SocketAddress = SocketAddress> = (
  request: Request,
  info: HttpInfo<A>,
) => Response | PromiseLike<Response>;

/** Responses after which another protocol is spoken. */
const switching = new WeakMap<Response, Switching>();

/** Has a response hand the connection over. */
export function switchWith(response: Response, how: Switching): Response {
  switching.set(response, how);
  return response;
}

/** Serves requests by such a handler. */
export function fetchTier(
  handler: FetchHandler<never>,
): (request: HttpRequest) => Answered {
  return (request) => {
    const upgrade = request.header("upgrade") !== null;
    const response = handler(WebRequest.of(request), new HttpInfo(request) as HttpInfo<never>);
    if (response instanceof Response) return toAnswer(response, upgrade);
    return Promise.resolve(response).then((one) => toAnswer(one, upgrade));
  };
}

function toAnswer(response: Response, upgrade: boolean): Answer {
  return upgrade && switching.get(response) || answerOf(response);
}
