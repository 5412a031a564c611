/**
 * Messages over a stream of bytes: PDPIX's queues of elements, where the device has a stream.
 *
 * @module
 */

import { checkOptions } from "../check.ts";
import type { Operation, OperationOptions, Sga } from "../pdpix.ts";
import { type ByteSource, Input } from "./input.ts";
import { codecOf, type MessageCodec, type MessageHeaderKind } from "./message_header.ts";
import { atEnd, checkLimit, iterate, tooLong } from "./reader.ts";
import { read } from "./reading.ts";

const encoder = new TextEncoder();

/** A stream of bytes in both directions: a {@linkcode Connection}, and whatever pops and pushes as one does. */
export interface ByteStream extends ByteSource {
  /** As {@linkcode Connection.push}. */
  push(data: Sga | Uint8Array, options?: OperationOptions): Operation<void>;
}

/** How messages are told apart. */
export interface MessagesOptions {
  /**
   * How the length is written before each message: in 1 to 4 bytes, as a varint of Protocol Buffers, or as your own
   * codec says.
   *
   * @default {4}
   */
  readonly header?: MessageHeaderKind | MessageCodec;
  /** Whether the lowest of those bytes is the first; in the network it is the last, the default. */
  readonly littleEndian?: boolean;
  /**
   * The most bytes that a message may have, either way; what is longer is refused with `EMSGSIZE`.
   *
   * @default {1048576}
   */
  readonly limit?: number;
}

/**
 * Messages over a connection: what one side pushes, the other pops, whole and in order. Wait by `await` or `yield*`;
 * one pop goes on at a time, another throws `Deno.errors.Busy`.
 *
 * A message is popped as an sga of one segment, as {@linkcode Reader} gives them; null is the end of the stream, and
 * an end within a message is `Deno.errors.UnexpectedEof`. A pop that fails, or is cancelled, takes nothing.
 *
 * It does not own the connection. It holds what it has popped, and lets go of it at the end of `using`.
 *
 * @example Answers to each message
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, Messages, open, serve } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, function* (connection) {
 *   using messages = new Messages(connection, { header: "varint" });
 *   for (let sga; (sga = yield* messages.pop()) !== null;) yield* messages.push(sga);
 * });
 *
 * using client = await connect({ libos, port: server.addr.port });
 * using messages = new Messages(client, { header: "varint" });
 * for (const text of ["one", "", "three"]) {
 *   await messages.push(text);
 *   using answer = await messages.pop();
 *   assertEquals(new TextDecoder().decode(answer?.bytes()), text);
 * }
 * ```
 */
export class Messages implements AsyncIterable<Sga>, Disposable {
  readonly #stream: ByteStream;
  readonly #codec: MessageCodec;
  readonly #limit: number;
  readonly #input: Input;

  /** Makes messages of a connection, or of what pops and pushes as one does. */
  constructor(stream: ByteStream, options: MessagesOptions = {}) {
    this.#input = new Input(stream);
    const limit = checkLimit("make messages", options);
    checkOptions("make messages", options, { littleEndian: "true or false" });
    const { header = 4, littleEndian = false } = options;
    this.#codec = codecOf(header, littleEndian);
    this.#stream = stream;
    this.#limit = Math.min(limit, this.#codec.longest);
  }

  /**
   * Pushes one message: an sga, which is sent with its header and without a copy, or a copy of bytes, or a text as
   * UTF-8. It is over when
   * every byte was taken. Throws {@linkcode DemikernelError} `EMSGSIZE` for what is beyond the limit, and as
   * {@linkcode Connection.push}; an sga is freed then, unless it was itself refused.
   */
  push(message: Sga | Uint8Array | string, options?: OperationOptions): Operation<void> {
    const data = typeof message === "string" ? encoder.encode(message) : message;
    const length = data?.length;
    if (length > this.#limit) throw tooLong("push message", this.#limit);
    const size = this.#codec.size(length);
    const copied = data instanceof Uint8Array;
    const whole = this.#stream.libos.alloc(copied ? size + length : size);
    try {
      const memory = whole.bytes();
      this.#codec.write(memory, length);
      if (copied) memory.set(data, size);
      else whole.extend(data);
      const pushed = this.#stream.push(whole, options);
      // Nobody else has the handle.
      whole.recycle();
      return pushed;
    } catch (error) {
      whole.free();
      throw error;
    }
  }

  /** Pops one message, or null at the end of the stream. */
  pop(options?: OperationOptions): Operation<Sga | null> {
    return read(this.#input, this.#take, options);
  }

  /** Iterates over the messages, until the end of the stream. The loop may be left early, and gone on with. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Sga, undefined> {
    return iterate(() => this.pop());
  }

  /** Ends what is being popped, and frees what was popped and is no message yet. The connection stays open. */
  [Symbol.dispose](): void {
    this.#input[Symbol.dispose]();
  }

  readonly #take = (input: Input): Sga | null | undefined => {
    const header = input.length === 0 ? null : input.read(this.#codec);
    if (header === null) return atEnd("pop message", input, "the end of a header");
    const { size, length } = header;
    if (length > this.#limit) throw tooLong("pop message", this.#limit);
    if (input.length < size + length) {
      input.wanted = size + length;
      return atEnd("pop message", input, `the end of a message of ${size + length} bytes`);
    }
    input.skip(size);
    return input.take(length);
  };
}
