/**
 * What a handler answers, and its head as text.
 *
 * @module
 */

import { DemikernelError, inspect } from "../error.ts";
import type { Sga } from "../pdpix.ts";
import type { Channel } from "./input.ts";
import { headOf } from "./status.ts";
import type { RequestBody } from "./wire.ts";

/** The body of an answer: a text as UTF-8, bytes, an sga, which then is the libOS's, or a stream of any of them. */
export type Body = string | Uint8Array | Sga | BodyStream | null;

/** A body that comes in parts, each of which is sent before the next one is asked for. */
export type BodyStream = AsyncIterable<string | Uint8Array | Sga>;

/** Fields of a message: by name, with several values as an array; or in order. */
export type FieldsInit =
  | Readonly<Record<string, string | number | readonly string[]>>
  | Iterable<readonly [name: string, value: string]>;

/** An answer that is more than a body. */
export interface AnswerInit {
  /** The status, 200 to 599. @default {200} */
  readonly status?: number;
  /** Its fields. Those of framing and the date are added; of a text, the type too, unless it is given. */
  readonly headers?: FieldsInit;
  /** The body; none by default. */
  readonly body?: Body;
}

/** Takes a connection over for another protocol; what had come behind the request is given too. */
export type Takeover = (channel: Channel, rest: Uint8Array<ArrayBuffer>) => PromiseLike<void>;

/** An answer after which the connection speaks another protocol (RFC 9110, section 7.8). */
export interface Switching {
  /**
   * Says so, if it has to be said, and speaks the protocol until the promise is resolved.
   *
   * @internal
   */
  readonly takeover: Takeover;
}

/** What a handler answers: a text or bytes, which are the body of a 200, or more. */
export type Answer = string | Uint8Array | AnswerInit | Switching;

/** What the head of an answer says of the connection and of the body. */
export interface HeadOf {
  /** All but the framing, with a line end. */
  text: string;
  /** Whether the connection is closed after it. */
  close: boolean;
  /** The length that was given; -1 if none was. */
  length: number;
}

const encoder = new TextEncoder();
const TEXT = "content-type: text/plain;charset=UTF-8\r\n";
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110, section 5.5: what may be in a value. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The head of a text that is answered with 200. */
export function plainHead(): string {
  return headOf(200) + TEXT;
}

/** The head of an answer without its framing. Throws `EINVAL` for fields that are none. */
export function makeHead(status: number, fields: FieldsInit | undefined, isText: boolean): HeadOf {
  if (!(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw invalid(`status must be 200 to 599, not ${inspect(status)}`);
  }
  const head: HeadOf = { text: headOf(status), close: false, length: -1 };
  let typed = !isText;
  if (fields !== undefined) {
    for (const [name, value] of pairsOf(fields)) {
      if (name.length === 12 && name.toLowerCase() === "content-type") typed = true;
      addField(head, name, value);
    }
  }
  if (!typed) head.text += TEXT;
  return head;
}

/** The head of a request, and what it says of the body. */
export interface RequestHead {
  /** All of it. */
  readonly head: string;
  /** How long the body is; -1 if that is not known. */
  readonly length: number;
  /** Whether it goes in chunks. */
  readonly chunked: boolean;
}

/** The whole head of a request. Throws `EINVAL` for what can be none. */
export function requestHead(
  method: string,
  url: URL,
  fields: FieldsInit | undefined,
  body: RequestBody | null,
): RequestHead {
  if (body !== null && typeof body !== "string" && !(body instanceof Uint8Array)) {
    if (typeof body !== "object" || !(isSga(body) || isStream(body))) {
      throw invalid("a body must be a string, bytes, an sga, or a stream of those");
    }
  }
  if (!TOKEN.test(method) || method === "CONNECT") {
    throw invalid(`method must be a token, not ${inspect(method)}`);
  }
  const head: HeadOf = {
    text: `${method} ${url.pathname}${url.search} HTTP/1.1\r\n`,
    close: false,
    length: -1,
  };
  let hosted = false;
  if (fields !== undefined) {
    for (const [name, value] of pairsOf(fields)) {
      hosted ||= name.toLowerCase() === "host";
      addField(head, name, value);
    }
  }
  if (!hosted) head.text += `host: ${url.host}\r\n`;
  if (head.close) head.text += "connection: close\r\n";
  const isWhole = body !== null &&
    (typeof body === "string" || body instanceof Uint8Array || isSga(body));
  const length = isWhole ? lengthOf(body) : head.length;
  const chunked = body !== null && length < 0;
  if (chunked) head.text += "transfer-encoding: chunked\r\n";
  else if (body !== null || method === "POST" || method === "PUT" || method === "PATCH") {
    head.text += `content-length: ${Math.max(0, length)}\r\n`;
  }
  return { head: `${head.text}\r\n`, length, chunked };
}

function pairsOf(
  fields: FieldsInit,
): Iterable<readonly [name: string, value: string | number | readonly string[]]> {
  return Symbol.iterator in fields ? fields : Object.entries(fields);
}

/** How long a body is; -1 if that is not known. */
export function lengthOf(body: Body): number {
  if (body === null) return 0;
  if (typeof body === "string") return encoder.encode(body).length;
  return body instanceof Uint8Array || isSga(body) ? body.length : -1;
}

/** Adds a field to a head; those of framing are told, and not added. */
function addField(head: HeadOf, name: string, value: string | number | readonly string[]): void {
  if (!TOKEN.test(name)) throw invalid(`${inspect(name)} is no name of a field`);
  if (Array.isArray(value)) {
    for (const one of value) addField(head, name, one);
    return;
  }
  const text = String(value);
  if (!VALUE.test(text)) throw invalid(`the value of ${name} must have no line ends or controls`);
  switch (name.length) {
    case 14:
      if (name.toLowerCase() === "content-length") {
        if (!/^\d+$/.test(text)) {
          throw invalid(`content-length must be a number, not ${inspect(text)}`);
        }
        head.length = Number(text);
        return;
      }
      break;
    case 17:
      if (name.toLowerCase() === "transfer-encoding") {
        // What comes from elsewhere may have it; here it is the server's to say.
        return;
      }
      break;
    case 10:
      if (name.toLowerCase() === "connection") {
        if (/(?:^|,)\s*close\s*(?:,|$)/i.test(text)) {
          head.close = true;
          return;
        }
      } else if (name.toLowerCase() === "keep-alive") return;
      break;
    case 4:
      // It is there already, and there is one.
      if (name.toLowerCase() === "date") return;
  }
  head.text += `${name}: ${text}\r\n`;
}

function invalid(detail: string): DemikernelError {
  return new DemikernelError("EINVAL", "answer", { detail });
}

/** Whether an answer with a status has no body, whatever is asked (RFC 9110, section 6.4.1). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** Whether a body is an sga. */
export function isSga(body: object): body is Sga {
  return typeof (body as Sga).numsegs === "number" && typeof (body as Sga).recycle === "function";
}

/** Whether a body comes in parts. */
export function isStream(body: object): body is BodyStream {
  return typeof (body as BodyStream)[Symbol.asyncIterator] === "function";
}
