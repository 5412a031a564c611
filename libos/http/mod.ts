/**
 * HTTP/1.1 on any libOS: {@linkcode serveHttp} serves it, in two tiers, and {@linkcode HttpClient} asks for it, over a pool of
 * connections.
 *
 * @module
 */

export type { Answer, AnswerInit, Body, BodyStream, FieldsInit, Switching } from "./answer.ts";
export { HttpClient, type HttpClientOptions, type RequestOptions } from "./client.ts";
export { HttpError } from "./error.ts";
export type { FetchHandler, HttpInfo } from "./fetch.ts";
export type { HttpLimits } from "./options.ts";
export type { CollectOptions, HttpRequest } from "./request.ts";
export { HttpResponse } from "./response.ts";
export { type HttpHandler, serveHttp, type Tier, type TierOption } from "./serve.ts";
export type { HttpOptions, HttpServer, HttpServerOptions } from "./server.ts";
export type { RequestBody } from "./wire.ts";
