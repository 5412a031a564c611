/**
 * Reading what is meant, out of a stream that comes in whatever pieces the network makes.
 *
 * @module
 */

import { checkOptions, wrongKind } from "../check.ts";
import { DemikernelError } from "../error.ts";
import type { LibOS, Operation, OperationOptions, Sga } from "../pdpix.ts";
import { type ByteSource, Input } from "./input.ts";
import { checkLimits } from "./limits.ts";
import { read } from "./reading.ts";
import type { PopOptions } from "./socket.ts";

/** How a {@linkcode Reader} reads. */
export interface ReaderOptions {
  /**
   * The most bytes that one read may give; what is longer is refused with `EMSGSIZE`. A peer can make it hold twice that
   * many, and the sga that was popped last.
   *
   * @default {1048576}
   */
  readonly limit?: number;
}

/** The limit where none is given. */
export const LIMIT: number = 1024 * 1024;

const LINE_FEED = new Uint8Array([10]);
const CARRIAGE_RETURN = 13;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Reads from a connection: so many bytes, up to a delimiter, a line, or all that is left. Wait for each read by `await`
 * or `yield*`, one after the other; while one goes on, another throws `Deno.errors.Busy`.
 *
 * What it gives as an sga has one segment and is the caller's. It lies where it was popped to, together with what was
 * popped with it, and is copied only if it came in several pieces: what is kept for long should be a copy
 * (`toUint8Array`), since it keeps its neighbours too.
 *
 * At the end of the stream reads give null. An end in the midst of what is read is `Deno.errors.UnexpectedEof`; what is
 * longer than the limit, a {@linkcode DemikernelError} `EMSGSIZE`. A read that fails, in whatever way, or is cancelled,
 * takes nothing: the bytes are there for the next one. Other errors are those of {@linkcode Connection.pop}.
 *
 * It does not own the connection. It holds what it has popped, and lets go of it at the end of `using`.
 *
 * @example A header in lines, and a body
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, open, Reader, serve } from "@demikernel/deno";
 *
 * await using libos = open("catnap");
 * await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, function* (connection) {
 *   using reader = new Reader(connection, { limit: 4096 });
 *   const length = Number(yield* reader.line());
 *   const body = yield* reader.exactly(length);
 *   if (body !== null) yield* connection.push(body);
 * });
 *
 * using client = await connect({ libos, port: server.addr.port });
 * await client.push(new TextEncoder().encode("5\r\nhello"));
 * using reader = new Reader(client);
 * using rest = await reader.rest();
 * assertEquals(new TextDecoder().decode(rest.bytes()), "hello");
 * ```
 */
export class Reader implements ByteSource, Disposable {
  /** The libOS of what it reads from. */
  readonly libos: LibOS;
  readonly #source: ByteSource;
  readonly #limit: number;
  readonly #input: Input;

  /** Reads from a connection, or from what pops as one does. */
  constructor(source: ByteSource, options: ReaderOptions = {}) {
    this.#input = new Input(source);
    this.libos = source.libos;
    this.#source = source;
    this.#limit = checkLimit("make a reader", options);
  }

  /** Reads so many bytes, or null at the end of the stream. */
  exactly(length: number, options?: OperationOptions): Operation<Sga | null> {
    if (!(Number.isSafeInteger(length) && length >= 0)) {
      throw wrongKind("read", "length", length, "an integer of 0 or more");
    }
    if (length > this.#limit) throw tooLong("read", this.#limit);
    return read(this.#input, (input) => {
      input.wanted = length;
      if (input.length >= length) return input.take(length);
      return atEnd("read", input, `${length} bytes`);
    }, options);
  }

  /** Reads up to a delimiter, which is dropped, or null at the end of the stream. */
  until(delimiter: string | Uint8Array, options?: OperationOptions): Operation<Sga | null> {
    const wanted = typeof delimiter === "string" ? encoder.encode(delimiter) : delimiter;
    if (!(wanted instanceof Uint8Array && wanted.length > 0)) {
      throw wrongKind("read", "delimiter", delimiter, "one or more bytes, or a text");
    }
    return read(this.#input, (input) => {
      const at = this.#find(input, wanted);
      if (at < 0) return atEnd("read", input, "a delimiter");
      const sga = input.take(at);
      input.skip(wanted.length);
      return sga;
    }, options);
  }

  /**
   * Reads a line of text in UTF-8, without its end, `\n` or `\r\n`; or null at the end of the stream. The last line may
   * have no end. What is no UTF-8 is read as U+FFFD.
   */
  line(options?: OperationOptions): Operation<string | null> {
    return read(this.#input, this.#line, options);
  }

  /**
   * Iterates over the lines that follow, until the end of the stream. The loop may be left early, and what follows be
   * read in another way.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { connect, open, Reader, serve } from "@demikernel/deno";
   *
   * await using libos = open("catnap");
   * await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, async (connection) => {
   *   await connection.push(new TextEncoder().encode("one\ntwo\nthree"));
   * });
   * using client = await connect({ libos, port: server.addr.port });
   * using reader = new Reader(client);
   * assertEquals(await Array.fromAsync(reader.lines()), ["one", "two", "three"]);
   * ```
   */
  lines(): AsyncIterableIterator<string, undefined> {
    return iterate(() => this.line());
  }

  /** Reads all that comes until the end of the stream: an sga of no bytes if there is nothing. */
  rest(options?: OperationOptions): Operation<Sga> {
    return read(this.#input, (input) => {
      if (input.length > this.#limit) throw tooLong("read", this.#limit);
      return input.ended ? input.take(input.length) : undefined;
    }, options);
  }

  /**
   * As {@linkcode Connection.pop}: what is there, or what comes next, in the pieces in which it came. For who goes on
   * without the reader.
   */
  pop(options?: PopOptions): Operation<Sga | null> {
    if (options !== undefined) checkLimits("pop", options);
    if (this.#input.length === 0 && !this.#input.ended) return this.#source.pop(options);
    const size = options?.size || Infinity;
    return read(this.#input, (input) => {
      if (input.length > 0) return input.take(Math.min(size, input.length));
      return input.ended ? null : undefined;
    }, options);
  }

  /** Ends what is being read, and frees what was popped and not read. The connection stays open. */
  [Symbol.dispose](): void {
    this.#input[Symbol.dispose]();
  }

  readonly #line = (input: Input): string | null | undefined => {
    const at = this.#find(input, LINE_FEED);
    if (at < 0 && !input.ended) return undefined;
    if (at < 0 && input.length === 0) return null;
    const length = at < 0 ? input.length : at;
    const bytes = input.view(length);
    const ended = at > 0 && bytes[at - 1] === CARRIAGE_RETURN;
    const text = decoder.decode(ended ? bytes.subarray(0, at - 1) : bytes);
    input.skip(at < 0 ? length : length + 1);
    return text;
  };

  /** Where a delimiter is, unless it is, or will be, beyond the limit. */
  #find(input: Input, delimiter: Uint8Array): number {
    const at = input.indexOf(delimiter);
    const least = at < 0 ? input.length - (input.ended ? 0 : delimiter.length - 1) : at;
    if (least > this.#limit) throw tooLong("read", this.#limit);
    return at;
  }
}

/** Reads the limit among options. */
export function checkLimit(call: string, options: { readonly limit?: number }): number {
  checkOptions(call, options, {});
  const { limit = LIMIT } = options;
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw wrongKind(call, "limit", limit, "an integer of 1 or more");
}

/** More is needed: says so, or what it means that there is no more. */
export function atEnd(call: string, { ended, length }: Input, wanted: string): null | undefined {
  if (!ended) return undefined;
  if (length === 0) return null;
  throw new Deno.errors.UnexpectedEof(
    `Cannot ${call}: the stream ended after ${length} bytes, before ${wanted}`,
  );
}

/** The error of what is longer than the limit. */
export function tooLong(call: string, limit: number): DemikernelError {
  return new DemikernelError("EMSGSIZE", call, {
    detail: `it is longer than the limit of ${limit} bytes`,
  });
}

/** Iterates over what a function gives, until that is null. */
export function iterate<T>(
  next: () => PromiseLike<T | null>,
): AsyncIterableIterator<T, undefined> {
  return {
    async next() {
      const value = await next();
      return value === null ? { done: true, value: undefined } : { done: false, value };
    },
    return: () => Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
