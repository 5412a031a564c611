/**
 * A connection of a client, on which one request is made after the other.
 *
 * @module
 */

import type { Coroutine, OperationOptions, Sga } from "../pdpix.ts";
import { type BodyStream, isSga, isStream } from "./answer.ts";
import { HttpError } from "./error.ts";
import { type Channel, MessageInput } from "./input.ts";
import { TYPE } from "./llhttp.ts";
import { type HeadLimits, Parser, STEP } from "./parser.ts";

/** The body of a request. */
export type RequestBody = string | Uint8Array | Sga | BodyStream;

/** What is left of the time for an operation. */
export type Bounds = () => OperationOptions | undefined;

const encoder = new TextEncoder();

/** See the module's description. */
export class Wire {
  /** What is asked for now, and how it is answered. */
  readonly parser: Parser;
  /** What comes. */
  readonly input: MessageInput;
  /** Whether a request was answered on it. */
  used = false;
  /** Since when it has nothing to do. */
  since = 0;
  readonly #channel: Channel;

  /** Takes a connection over. */
  constructor(channel: Channel, limits: HeadLimits & { readonly maxBodySize: number }) {
    this.#channel = channel;
    this.parser = new Parser(TYPE.RESPONSE, limits);
    this.input = new MessageInput(channel, this.parser);
    this.input.maxBodySize = limits.maxBodySize;
  }

  /** Sends a request; the head ends with its last field. */
  *send(head: string, body: RequestBody | null, chunked: boolean, bounds: Bounds): Coroutine {
    const channel = this.#channel;
    if (body === null) {
      yield* channel.push(head, bounds());
    } else if (typeof body === "string") {
      yield* channel.push(head + body, bounds());
    } else if (isStream(body)) {
      yield* this.#stream(head, body, chunked, bounds);
    } else {
      const whole = channel.libos.alloc(head.length);
      encoder.encodeInto(head, whole.bytes());
      const part = isSga(body) ? body : this.#copy(body);
      if (part !== null) whole.extend(part);
      yield* channel.push(whole, bounds());
    }
  }

  /** Waits for the head of the answer. */
  *receive(isHead: boolean, bounds: Bounds): Coroutine {
    const { parser, input } = this;
    parser.answersHead = isHead;
    for (;;) {
      const step = input.advance();
      if (step === STEP.failed) {
        throw new HttpError(502, `The answer is no HTTP: ${parser.failure!.reason}`);
      }
      if (step === STEP.head) {
        // RFC 9110, section 15.2: what is not the last answer is let pass.
        if (parser.status >= 200 || parser.status === 101) return;
        input.next();
      } else if (step === STEP.more) {
        if (input.ended) throw new Deno.errors.UnexpectedEof("The server ended the connection");
        input.supply(yield* input.pop(bounds()));
      }
    }
  }

  /** Whether another request may be made on it, after one that is answered. */
  get reusable(): boolean {
    return this.#channel.open && this.parser.done && this.parser.keepAlive && !this.input.ended &&
      !this.parser.hasRest;
  }

  /** Makes it ready for another request. */
  next(): void {
    this.used = true;
    this.input.next();
  }

  /** Lets the process end although it is open. */
  close(): void {
    this.input[Symbol.dispose]();
    this.#channel[Symbol.dispose]();
  }

  *#stream(head: string, body: BodyStream, chunked: boolean, bounds: Bounds): Coroutine {
    const channel = this.#channel;
    const { operations } = channel.libos;
    const iterator = body[Symbol.asyncIterator]();
    yield* channel.push(head, bounds());
    for (;;) {
      const { done, value } = yield* operations.join(iterator.next());
      if (done) break;
      const part = typeof value === "string" ? encoder.encode(value) : value;
      if (part.length === 0) continue;
      if (chunked) yield* channel.push(`${part.length.toString(16)}\r\n`, bounds());
      if (part instanceof Uint8Array) yield* channel.push(part, bounds());
      else yield* channel.push(part, bounds());
      if (chunked) yield* channel.push("\r\n", bounds());
    }
    if (chunked) yield* channel.push("0\r\n\r\n", bounds());
  }

  #copy(bytes: Uint8Array): Sga | null {
    if (bytes.length === 0) return null;
    const sga = this.#channel.libos.alloc(bytes.length);
    sga.bytes().set(bytes);
    return sga;
  }
}
