/**
 * A connection of a client, on which one request is made after the other.
 *
 * @module
 */

import type { Coroutine, Operation, Sga } from "../pdpix.ts";
import { type BodyStream, isSga, isStream, lengthOf, type RequestHead } from "./answer.ts";
import { HttpError } from "./error.ts";
import { type Channel, MessageInput } from "./input.ts";
import { TYPE } from "./llhttp.ts";
import { type HeadLimits, Parser, STEP } from "./parser.ts";
import { type Bounds, sendStream } from "./stream.ts";
import { Writer } from "./writer.ts";

/** The body of a request. */
export type RequestBody = string | Uint8Array | Sga | BodyStream;

const encoder = new TextEncoder();
/** So long a body is sent before anything is read. */
const SMALL = 4096;

/** See the module's description. */
export class Wire {
  /** What is asked for now, and how it is answered. */
  readonly parser: Parser;
  /** What comes. */
  readonly input: MessageInput;
  /** Whether a request was answered on it. */
  used = false;
  /** Resolves when a request is sent whose answer may be here already; null if there is none. */
  sending: Promise<unknown> | null = null;
  /** Since when it has nothing to do. */
  since = 0;
  readonly #channel: Channel;
  readonly #writer: Writer;

  /** Takes a connection over. */
  constructor(channel: Channel, limits: HeadLimits & { readonly maxBodySize: number }) {
    this.#channel = channel;
    this.#writer = new Writer(channel.libos);
    this.parser = new Parser(TYPE.RESPONSE, limits);
    this.input = new MessageInput(channel, this.parser);
    this.input.maxBodySize = limits.maxBodySize;
  }

  /** Sends a request, and waits for the head of its answer. */
  *ask(
    head: RequestHead,
    body: RequestBody | null,
    isHead: boolean,
    bounds: Bounds,
  ): Coroutine {
    const sending = this.#send(head, body, bounds);
    if (body === null || (!isStream(body as object) && lengthOf(body) <= SMALL)) {
      yield* untilAnswered(sending);
      return yield* this.#receive(isHead, bounds);
    }
    // Who answers while it reads may read no more before its answer is read.
    let failure: unknown;
    this.sending = this.#channel.libos.spawn(untilAnswered(sending)).catch((error) => {
      failure = error;
      this.close();
    }).finally(() => this.sending = null);
    try {
      yield* this.#receive(isHead, bounds);
    } catch (error) {
      throw failure ?? error;
    }
  }

  /** The head ends with its last field. */
  *#send(
    { head, length, chunked }: RequestHead,
    body: RequestBody | null,
    bounds: Bounds,
  ): Coroutine {
    const writer = this.#writer;
    writer.writeLatin1(head);
    if (body === null) {
      // That is all.
    } else if (typeof body === "string") {
      writer.write(encoder.encode(body));
    } else if (body instanceof Uint8Array) {
      writer.write(body);
    } else if (isSga(body)) {
      writer.extend(body);
    } else {
      const flush = () => this.#flush(bounds);
      yield* sendStream(body, this.#channel.libos, { writer, length, chunked, flush, bounds });
    }
    yield* this.#flush(bounds);
  }

  /** Waits for the head of the answer. */
  *#receive(isHead: boolean, bounds: Bounds): Coroutine {
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

  /** Closes it. */
  close(): void {
    this.#writer[Symbol.dispose]();
    this.input[Symbol.dispose]();
    this.#channel[Symbol.dispose]();
  }

  *#flush(bounds: Bounds): Coroutine {
    const sga = this.#writer.take();
    if (sga === null) return;
    let push: Operation<void>;
    try {
      push = this.#channel.push(sga, bounds());
    } finally {
      sga.recycle();
    }
    yield* push;
  }
}

/** Sends, unless the server ends that: then it has answered already, or the answer's end tells. */
function* untilAnswered(sending: Coroutine): Coroutine {
  try {
    yield* sending;
  } catch (error) {
    if (!isDeparture(error)) throw error;
  }
}

/** Whether an error says that the other end is gone. */
export function isDeparture(error: unknown): boolean {
  return error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset;
}
