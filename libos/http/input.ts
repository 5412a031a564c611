/**
 * What comes on a connection, as messages: sgas are popped, parsed, and given out as the parts of bodies that they hold.
 *
 * @module
 */

import { DemikernelError } from "../error.ts";
import { copyToHeap } from "../net/copy.ts";
import { toDenoError } from "../net/errors.ts";
import type { Connection } from "../net/mod.ts";
import { type Popped, read } from "../net/reading.ts";
import type { LibOS, Operation, OperationOptions, Sga } from "../pdpix.ts";
import { HttpError } from "./error.ts";
import { type Parser, STEP } from "./parser.ts";

/** What HTTP is spoken on: a connection, with TLS or without. */
export type Channel =
  & Pick<
    Connection,
    "libos" | "open" | "pop" | "push" | "tryPush" | "closeWrite" | "bufferedAmount"
  >
  & Pick<Connection, "localAddr" | "remoteAddr" | "close" | "reset" | typeof Symbol.dispose>;

const decoder = new TextDecoder();

/** See the module's description. */
export class MessageInput implements Popped, Disposable {
  /** The libOS of its sgas. */
  readonly libos: LibOS;
  /** What parses it. */
  readonly parser: Parser;
  /** Whether the stream has ended. */
  ended = false;
  /** The most bytes that a body may have. */
  maxBodySize = Infinity;
  /** Called once, before a body is waited for of which nothing has come. */
  expected: (() => void) | null = null;
  /** A pop that was begun before anybody read. */
  ahead: Promise<Sga | null> | null = null;
  readonly #channel: Channel;
  #sga: Sga | null = null;
  #segment = 0;
  /** The one that the head lies in. */
  #head: Sga | null = null;
  #reader: Pick<Operation<unknown>, "cancel"> | null = null;

  /** Reads from a connection. */
  constructor(channel: Channel, parser: Parser) {
    this.libos = channel.libos;
    this.#channel = channel;
    this.parser = parser;
  }

  /** See {@linkcode Popped}. */
  begin(reader: Pick<Operation<unknown>, "cancel">): void {
    if (this.#reader !== null) {
      const detail = "the body is being read";
      throw toDenoError(new DemikernelError("EBUSY", "read", { detail }));
    }
    this.#reader = reader;
  }

  /** See {@linkcode Popped}. */
  end(): void {
    this.#reader = null;
  }

  /** See {@linkcode Popped}. */
  pop(limits?: OperationOptions): Operation<Sga | null> {
    this.expected?.();
    this.expected = null;
    if (this.ahead !== null) {
      const operation = this.libos.operations.join(this.ahead);
      this.ahead = null;
      return limits === undefined ? operation : operation.within(limits);
    }
    return limits === undefined ? this.#channel.pop() : this.#channel.pop(limits);
  }

  /** See {@linkcode Popped}. */
  supply(sga: Sga | null): void {
    if (sga === null) {
      this.ended = true;
    } else if (sga.length === 0) {
      sga.recycle();
    } else {
      this.#sga = sga;
      this.#segment = 0;
      this.parser.supply(sga.bytes());
    }
  }

  /** Parses on, as far as what came goes. */
  advance(): number {
    for (;;) {
      const step = this.parser.parse();
      if (step !== STEP.more || !this.#hasMore()) return step;
    }
  }

  /** The message is over, or of no interest; the next one may come. */
  next(): void {
    this.#head?.recycle();
    this.#head = null;
    this.expected = null;
    this.parser.next();
    // What is held is held for the sake of what follows.
    if (this.#sga !== null && !this.parser.hasRest) this.#hasMore();
  }

  /** A part of the body, which is the caller's; null at its end. */
  part(options?: OperationOptions): Operation<Sga | null> {
    return read<Sga | null, MessageInput>(this, takePart, options);
  }

  /** The whole of the body, or what is left of it. Fails where that is more than `limit` bytes. */
  whole(limit: number, options?: OperationOptions): Operation<Uint8Array<ArrayBuffer>> {
    return this.#collect(limit, options, (bytes) => bytes);
  }

  /** The same as a text. */
  text(limit: number, options?: OperationOptions): Operation<string> {
    return this.#collect(limit, options, (bytes) => decoder.decode(bytes));
  }

  /** The same as JSON. */
  json(limit: number, options?: OperationOptions): Operation<unknown> {
    return this.#collect(limit, options, (bytes) => JSON.parse(decoder.decode(bytes)));
  }

  /** What came and is not parsed. */
  rest(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.parser.rest);
  }

  /** Frees what it holds. */
  [Symbol.dispose](): void {
    this.#head?.recycle();
    this.#sga?.recycle();
    this.#head = this.#sga = null;
    this.ahead?.then((sga) => sga?.free(), () => {});
    this.ahead = null;
    this.parser[Symbol.dispose]();
  }

  #collect<T>(
    limit: number,
    options: OperationOptions | undefined,
    finish: (bytes: Uint8Array<ArrayBuffer>) => T,
  ): Operation<T> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    return read(this, (input: MessageInput) => {
      for (let sga; (sga = takePart(input)) !== null;) {
        if (sga === undefined) return undefined;
        length += sga.length;
        if (length <= limit) parts.push(sga.toUint8Array());
        sga.recycle();
        if (length > limit) throw new HttpError(413, "The body is too large");
      }
      if (parts.length === 1) return finish(parts[0]!);
      const whole = new Uint8Array(length);
      parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
      return finish(whole);
    }, options);
  }

  /** Whether another segment is there to be parsed; lets go of what is parsed. */
  #hasMore(): boolean {
    const sga = this.#sga;
    if (sga === null) return false;
    if (++this.#segment < sga.numsegs) {
      this.parser.supply(sga.bytes(this.#segment));
      return true;
    }
    this.#sga = null;
    // The head may lie in it.
    if (this.parser.headDone && this.#head === null) this.#head = sga;
    else sga.recycle();
    return false;
  }

  /** Takes the part of the body that was found, in memory of its own. */
  take(): Sga {
    const { parser } = this;
    const { bodyStart, bodyLength } = parser;
    const sga = this.#sga!;
    parser.bodyLength = 0;
    if (sga.numsegs > 1) {
      return copyToHeap(
        this.libos,
        sga.bytes(this.#segment).subarray(bodyStart, bodyStart + bodyLength),
      );
    }
    if (this.#head === null || parser.hasRest) {
      const part = sga.clone();
      part.trim(bodyStart, bodyLength);
      return part;
    }
    this.#sga = null;
    sga.trim(bodyStart, bodyLength);
    return sga;
  }
}

/** Takes what is there of a body: null is its end, undefined that more is needed. */
export function takePart(input: MessageInput): Sga | null | undefined {
  const { parser } = input;
  if (!parser.headDone || parser.bodyLength === 0 && parser.done) return null;
  if (parser.bodyLength > 0) return input.take();
  const step = input.advance();
  if (parser.bodyTotal > input.maxBodySize) throw new HttpError(413, "The body is too large");
  if (step === STEP.body) return input.take();
  if (step === STEP.end) return null;
  if (step === STEP.failed) throw new HttpError(parser.failure!.status, parser.failure!.reason);
  if (!input.ended) return undefined;
  if (parser.end()) return null;
  throw new Deno.errors.UnexpectedEof("The stream ended within a body");
}
