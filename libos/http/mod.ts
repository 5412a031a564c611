/**
 * HTTP/1.1 on any libOS: {@linkcode serveHttp} serves it, in two tiers.
 *
 * @module
 */

export type { Answer, AnswerInit, Body, BodyStream, FieldsInit } from "./answer.ts";
export { HttpError } from "./error.ts";
export type { FetchHandler, HttpInfo } from "./fetch.ts";
export type { HttpLimits } from "./options.ts";
export type { CollectOptions, HttpRequest } from "./request.ts";
export { type HttpHandler, serveHttp, type Tier, type TierOption } from "./serve.ts";
export type { HttpOptions, HttpServer, HttpServerOptions } from "./server.ts";
