/**
 * What is answered on one connection: heads and bodies are written one behind the other, and go out together.
 *
 * @module
 */

import { Letter } from "../net/outbox.ts";
import type { Coroutine, LibOS, Operation } from "../pdpix.ts";
import {
  type Answer,
  type AnswerInit,
  type Body,
  type BodyStream,
  type HeadOf,
  isBodiless,
  isSga,
  isStream,
  lengthOf,
  makeHead,
  plainHead,
  type Switching,
} from "./answer.ts";
import type { Channel, MessageInput } from "./input.ts";
import type { HttpRequest } from "./request.ts";
import type { SessionServer } from "./session.ts";
import { sendStream } from "./stream.ts";
import { Writer } from "./writer.ts";

const END = "\r\n\r\n";
/** What the head of the last answer ends with. */
export const END_CLOSE = "\r\nconnection: close\r\n\r\n";
const END_KEEP = "\r\nconnection: keep-alive\r\n\r\n";

/** See the module's description. */
export class Replies implements Disposable {
  /** Whether the answer to this request is the last one. */
  last = false;
  readonly #server: SessionServer;
  readonly #channel: Channel;
  readonly #libos: LibOS;
  readonly #input: MessageInput;
  readonly #request: HttpRequest;
  readonly #writer: Writer;
  readonly #letter: Letter;

  /** Answers what comes as an input, on the same connection. */
  constructor(server: SessionServer, channel: Channel, input: MessageInput, request: HttpRequest) {
    this.#server = server;
    this.#channel = channel;
    this.#libos = channel.libos;
    this.#input = input;
    this.#request = request;
    this.#writer = new Writer(channel.libos);
    this.#letter = new Letter(channel);
  }

  /** How many bytes are written, and not posted. */
  get length(): number {
    return this.#writer.length;
  }

  /** Writes a text that is a whole answer, which is not the one to HEAD. */
  writeText(text: string): void {
    this.#writer.writeText(plainHead(), text, this.#end());
  }

  /** Writes what is between answers. */
  writeBetween(text: string): void {
    this.#writer.writeLatin1(text);
  }

  /** Writes an answer that is more than a text; gives what is still to be done for it. */
  write(answer: Exclude<Answer, Switching>): Coroutine | null {
    let init: AnswerInit = typeof answer === "string" || answer instanceof Uint8Array
      ? { body: answer }
      : answer;
    let head: HeadOf;
    try {
      init = checkAnswer(init);
      head = makeHead(init.status ?? 200, init.headers, typeof init.body === "string");
    } catch (error) {
      init = { status: 500, body: "Internal Server Error\n" };
      this.#server.fail(error, this.#request);
      head = makeHead(500, undefined, true);
    }
    const { status = 200, body = null } = init;
    this.last ||= head.close;
    const writer = this.#writer;
    if (isBodiless(status)) {
      writer.writeLatin1(head.text.slice(0, -2) + this.#end());
      return body === null ? null : discard(body, this.#libos);
    } else if (this.#input.parser.method === "HEAD") {
      const length = head.length >= 0 ? head.length : lengthOf(body);
      const framing = length < 0 ? head.text.slice(0, -2) : `${head.text}content-length: ${length}`;
      writer.writeLatin1(framing + this.#end());
      return body === null ? null : discard(body, this.#libos);
    } else if (body === null) {
      writer.writeLatin1(`${head.text}content-length: 0${this.#end()}`);
    } else if (typeof body === "string") {
      writer.writeText(head.text, body, this.#end());
    } else if (body instanceof Uint8Array) {
      writer.writeBytes(head.text, body, this.#end());
    } else if (isSga(body)) {
      writer.writeLatin1(`${head.text}content-length: ${body.length}${this.#end()}`);
      writer.extend(body);
    } else {
      return this.#stream(head, body);
    }
    return null;
  }

  /** Sends a body in parts, each when the one before was taken. */
  *#stream(head: HeadOf, body: BodyStream): Coroutine {
    const writer = this.#writer;
    const { length } = head;
    // What is sent may depend on what comes; behind the head it would be too late.
    this.#input.expected?.();
    this.#input.expected = null;
    const chunked = length < 0 && this.#input.parser.version === 11;
    // RFC 9112, section 6.3: else the end of the connection is the end of the body.
    if (!chunked && length < 0) this.last = true;
    const framing = chunked
      ? `${head.text}transfer-encoding: chunked`
      : length < 0
      ? head.text.slice(0, -2)
      : `${head.text}content-length: ${length}`;
    writer.writeLatin1(framing + this.#end());
    const flush = () => this.flush();
    try {
      yield* sendStream(body, this.#libos, { writer, length, chunked, flush });
    } catch (error) {
      // The client must not take what it got for all.
      this.last = true;
      if (this.#channel.open) {
        this.#server.fail(error, this.#request);
        this.#channel.reset();
      }
    }
  }

  /** Sends what is written, and waits until all was taken. */
  *flush(): Coroutine {
    for (;;) {
      const push = this.takePush();
      if (push !== null) yield* push;
      if (this.#writer.length === 0) return;
      this.post();
    }
  }

  /** Hands over what is written. */
  post(): void {
    const letter = this.#letter;
    if (letter.sga !== null) this.#server.outbox.flush();
    // Only before a 100; what fails of it, fails of the next one.
    letter.push?.then(nothing, nothing);
    letter.sga = this.#writer.take();
    this.#server.outbox.post(letter);
  }

  /** The last push, which is to be waited for. */
  takePush(): Operation<void> | null {
    const letter = this.#letter;
    if (letter.sga !== null) this.#server.outbox.flush();
    const { push } = letter;
    letter.push = null;
    return push;
  }

  /** Drops what is written. */
  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }

  /** What a head ends with, and what it says of the connection (RFC 9112, section 9.3). */
  #end(): string {
    if (this.last) return END_CLOSE;
    return this.#input.parser.version === 10 ? END_KEEP : END;
  }
}

function nothing(): void {}

/** Refuses what is no answer. */
function checkAnswer(answer: AnswerInit): AnswerInit {
  const { body } = answer ?? {};
  if (typeof answer !== "object" || answer === null) {
    throw new TypeError(
      "A handler must give a string, bytes, or an object with status, headers and body",
    );
  }
  if (body === undefined || body === null || typeof body === "string") return answer;
  if (body instanceof Uint8Array || isSga(body) || isStream(body)) return answer;
  throw new TypeError("A body must be a string, bytes, an sga, or a stream of those");
}

/** Lets go of a body that is not sent. */
function* discard(body: Exclude<Body, null>, libos: LibOS): Coroutine {
  if (typeof body === "string" || body instanceof Uint8Array) return;
  if (isSga(body)) body.free();
  else yield* libos.operations.join(Promise.try(() => body[Symbol.asyncIterator]().return?.()));
}
