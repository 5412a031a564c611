/**
 * A request, as the fast tier gives it.
 *
 * @module
 */

import type { InetAddress, Operation, OperationOptions, Sga, SocketAddress } from "../pdpix.ts";
import type { Channel, MessageInput } from "./input.ts";
import type { Failure, Parser } from "./parser.ts";

/** How much of a body is collected where nobody says. */
const COLLECTED = 1024 * 1024;
const SPACE = 32;
const LARGE_H = 72;
const SLASH = 47;
const HASH = 35;
const HOST = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})+)(?::\d*)?$/i;

/** How a body is collected. */
export interface CollectOptions extends OperationOptions {
  /** The most bytes that are collected; more is answered with 413. @default {1048576} */
  readonly limit?: number;
}

/** Has a request tell of the next message of its connection; gives why that is none, or null. */
export let begin: (request: HttpRequest) => Failure | null;

/** Has a request's signal say that the client is gone. */
export let abort: (request: HttpRequest, reason: unknown) => void;

/** Whether somebody asked for the signal. */
export let hasSignal: (request: HttpRequest) => boolean;

/** Has another object stand for a request, which is told when that is over. */
export let setCompanion: (request: HttpRequest, companion: { end(): void }) => void;

/** Says that a request is over. */
export let end: (request: HttpRequest) => void;

/**
 * A request. What is not asked for is not made: fields are looked up in the bytes that came, and texts are made of those
 * that are read.
 *
 * There is one such object for each connection, which tells of one request after the other: it is to be used until the
 * handler has given its answer, and not kept.
 *
 * Wait for the body by `await` or `yield*`. The errors of that are those of {@linkcode Connection.pop}, `UnexpectedEof`
 * where the client went away in the middle, and {@linkcode HttpError} for a body that is too large or no HTTP.
 */
export class HttpRequest {
  readonly #parser: Parser;
  readonly #input: MessageInput;
  readonly #channel: Channel;
  readonly #secure: boolean;
  #remote: SocketAddress | undefined;
  /** The target, once it was asked for; then kept, since the next one may be the same. */
  #target = "";
  #targetKnown = false;
  #queryAt = 0;
  /** The last host that was found to be one. */
  #host = "";
  #aborter: AbortController | null = null;
  #companion: { end(): void } | null = null;

  /** Made by the server, one for a connection. */
  constructor(channel: Channel, input: MessageInput, secure: boolean) {
    this.#channel = channel;
    this.#input = input;
    this.#parser = input.parser;
    this.#secure = secure;
  }

  static {
    begin = (request) => request.#begin();
    abort = (request, reason) => request.#aborter?.abort(reason);
    hasSignal = (request) => request.#aborter !== null;
    setCompanion = (request, companion) => void (request.#companion = companion);
    end = (request) => {
      request.#companion?.end();
      request.#companion = null;
      request.#aborter = null;
    };
  }

  /** The method, in capitals. */
  get method(): string {
    return this.#parser.method;
  }

  /** The target as it was sent (RFC 9112, section 3.2): a path with its query, or a whole URL, or `*`. */
  get target(): string {
    if (!this.#targetKnown) this.#readTarget();
    return this.#target;
  }

  /** The path, without the query. Nothing in it is decoded. */
  get path(): string {
    const { target } = this;
    const start = pathStart(target);
    if (start < 0) return "/";
    return start === 0 && this.#queryAt === target.length
      ? target
      : target.slice(start, this.#queryAt);
  }

  /** What follows the question mark, or is empty. */
  get query(): string {
    const { target } = this;
    return this.#queryAt === target.length ? "" : target.slice(this.#queryAt + 1);
  }

  /** The host that is meant, with its port: that of a whole URL, or else the field `host` (RFC 9112, section 3.3). */
  get host(): string {
    const { target } = this;
    if (target[0] !== "/" && target !== "*") {
      const start = target.indexOf("//") + 2;
      const end = pathStart(target);
      return target.slice(start, end < 0 ? this.#queryAt : end);
    }
    return this.header("host") ?? "";
  }

  /** The whole URL, as `Request.url` has it. */
  get url(): string {
    const { target } = this;
    if (target[0] !== "/" && target !== "*") return target;
    const { hostname, port } = this.#channel.localAddr as Partial<InetAddress>;
    const host = this.header("host") || `${hostname ?? "localhost"}${port ? `:${port}` : ""}`;
    return `${this.#secure ? "https" : "http"}://${host}${target === "*" ? "/" : target}`;
  }

  /** 11 for HTTP/1.1, and 10 for 1.0. */
  get version(): number {
    return this.#parser.version;
  }

  /**
   * The value of a field, whose name is given in small letters: of several, with commas between; null if there is none.
   * Each byte is a character (RFC 9110, section 5.5).
   */
  header(name: string): string | null {
    return this.#parser.fields.get(name);
  }

  /** All fields, as they were sent. */
  *headers(): Generator<[name: string, value: string], void> {
    const { fields } = this.#parser;
    for (let i = 0; i < fields.count; i++) yield [fields.name(i), fields.value(i)];
  }

  /** The fields behind the body (RFC 9110, section 6.5), which are here when that has ended. */
  get trailers(): readonly (readonly [name: string, value: string])[] {
    return this.#parser.trailers;
  }

  /** Whether there is a body. */
  get hasBody(): boolean {
    return this.#parser.hasBody;
  }

  /** How long the body is; null if it does not say. */
  get contentLength(): number | null {
    if (!this.hasBody) return 0;
    return this.#parser.chunked ? null : this.#parser.contentLength;
  }

  /** Pops what came of the body, as an sga that is the caller's; null is its end. */
  pop(options?: OperationOptions): Operation<Sga | null> {
    return this.#input.part(options);
  }

  /** Collects the body, or what is left of it. */
  bytes(options: CollectOptions = {}): Operation<Uint8Array<ArrayBuffer>> {
    return this.#input.whole(options.limit ?? COLLECTED, bounds(options));
  }

  /** Collects the body as a text in UTF-8. */
  text(options: CollectOptions = {}): Operation<string> {
    return this.#input.text(options.limit ?? COLLECTED, bounds(options));
  }

  /** Collects the body as JSON; throws a `SyntaxError` if it is none. */
  json(options: CollectOptions = {}): Operation<unknown> {
    return this.#input.json(options.limit ?? COLLECTED, bounds(options));
  }

  /** The address of the client. */
  get remoteAddr(): SocketAddress {
    return this.#remote ??= this.#channel.remoteAddr;
  }

  /**
   * Aborted when the client goes away before it has its answer. From when it was first asked for, what follows the body is
   * watched.
   */
  get signal(): AbortSignal {
    return (this.#aborter ??= new AbortController()).signal;
  }

  /** Looks at what of a request llhttp leaves to others. */
  #begin(): Failure | null {
    const parser = this.#parser;
    const { fields, targetStart, targetEnd } = parser;
    this.#targetKnown = this.#target !== "" && fields.is(this.#target, targetStart, targetEnd);
    if (parser.version !== 11 && parser.version !== 10) {
      return { status: 505, reason: "Only HTTP/1.1 and HTTP/1.0 are spoken here" };
    }
    // One space on each side of the target, and a protocol that is HTTP (RFC 9112, section 3).
    if (
      fields.byte(targetStart - 1) !== SPACE || fields.byte(targetStart - 2) === SPACE ||
      fields.byte(targetEnd) !== SPACE || fields.byte(targetEnd + 1) !== LARGE_H
    ) return { status: 400, reason: "The first line is no HTTP" };
    if (parser.method === "CONNECT") return { status: 501, reason: "This is no proxy" };
    if (parser.version === 10 && parser.chunked) {
      // RFC 9112, section 6.1.
      return { status: 400, reason: "HTTP/1.0 has no transfer encodings" };
    }
    const host = fields.find("host");
    if (host < 0) {
      if (parser.version === 11) return { status: 400, reason: "The field host is missing" };
    } else if (fields.find("host", host + 1) >= 0) {
      return { status: 400, reason: "There are several fields host" };
    } else if (!fields.hasValue(host, this.#host) && !this.#checkHost(fields.value(host))) {
      return { status: 400, reason: "The field host is no host" };
    }
    if (!this.#targetKnown && fields.includes(HASH, targetStart, targetEnd)) {
      return { status: 400, reason: "A target has no fragment" };
    }
    return fields.byte(targetStart) === SLASH ? null : this.#checkTarget();
  }

  /** Other forms than a path (RFC 9112, sections 3.2.2 and 3.2.4). */
  #checkTarget(): Failure | null {
    const { target } = this;
    if (target === "*") {
      return this.method === "OPTIONS" ? null : { status: 400, reason: "* is for OPTIONS" };
    }
    if (/^https?:\/\/[^/?#@]+(?:[/?]|$)/i.test(target) && URL.canParse(target)) return null;
    return { status: 400, reason: "The target is no path, and no URL of HTTP" };
  }

  /** Whether this is a host, perhaps with a port (RFC 3986, section 3.2.2), or nothing; a URL must be able to have it. */
  #checkHost(host: string): boolean {
    const right = host === "" || HOST.test(host) && URL.canParse(`http://${host}/`);
    if (right) this.#host = host;
    return right;
  }

  #readTarget(): void {
    const { fields, targetStart, targetEnd } = this.#parser;
    this.#target = fields.text(targetStart, targetEnd);
    this.#targetKnown = true;
    const query = this.#target.indexOf("?");
    this.#queryAt = query < 0 ? this.#target.length : query;
  }
}

/** Where the path of a target begins; -1 if a whole URL has none. */
function pathStart(target: string): number {
  if (target[0] === "/" || target === "*") return 0;
  const query = target.indexOf("?");
  const slash = target.indexOf("/", target.indexOf("//") + 2);
  return query >= 0 && query < slash ? -1 : slash;
}

function bounds({ timeout, signal }: CollectOptions): OperationOptions | undefined {
  if (timeout === undefined && signal === undefined) return undefined;
  return { ...(timeout !== undefined && { timeout }), ...(signal && { signal }) };
}
