/**
 * Calls of functions by name, many under way on one connection: each has a number, which its answer repeats, and answers
 * come as they are ready. Requests and answers are JSON, one to a message.
 *
 * ```sh
 * deno run --allow-ffi examples/rpc.ts --port 7004
 * ```
 *
 * @module
 */

import { type Connection, type Coroutine, type LibOS, Messages, serve, type Sga } from "../mod.ts";
import { main } from "./_cli.ts";

/** How many calls of one connection may be under way; then no more are read, and the client feels it. */
const UNDER_WAY = 1000;
/** The longest time of a timer, in milliseconds. */
const LONGEST = 0x7fffffff;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
  /** Milliseconds after which nobody waits for the answer. */
  readonly timeout?: number;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** The answer to what is no request; the connection is closed after it. */
const NO_REQUEST = JSON.stringify({ id: null, error: "This is no request" });

/** What can be called. The signal ends what takes long. */
type Method = (libos: LibOS, params: readonly unknown[], signal: AbortSignal) => unknown;

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["echo", (_, [value]) => value],
  ["add", (_, [a, b]) => Number(a) + Number(b)],
  ["sleep", (libos, [ms], signal) => libos.operations.sleep(Number(ms)).within({ signal })],
]);

const decoder = new TextDecoder();

/** Reads a message, and frees it. */
function parse(sga: Sga): unknown {
  using message = sga;
  return JSON.parse(decoder.decode(message.bytes()));
}

/** Reads a request; null if it is none. */
function parseRequest(sga: Sga): Request | null {
  let value: unknown;
  try {
    value = parse(sga);
  } catch {
    return null;
  }
  const { id, method, params, timeout } = (value ?? {}) as Partial<Request>;
  if (typeof id !== "number" || typeof method !== "string" || !Array.isArray(params)) return null;
  if (timeout === undefined) return { id, method, params };
  const right = typeof timeout === "number" && timeout >= 0 && timeout <= LONGEST;
  return right ? { id, method, params, timeout } : null;
}

async function answer(libos: LibOS, request: Request, closed: AbortSignal): Promise<Answer> {
  const { id, method, params, timeout } = request;
  const signal = timeout === undefined
    ? closed
    : AbortSignal.any([closed, AbortSignal.timeout(timeout)]);
  try {
    const call = METHODS.get(method);
    if (call === undefined) throw new Deno.errors.NotFound(`There is no method ${method}`);
    return { id, result: await call(libos, params, signal) };
  } catch (error) {
    return { id, error: (error as Error).message };
  }
}

/** Serves one client. */
export function* serveCalls(connection: Connection): Coroutine {
  const { libos } = connection;
  using messages = new Messages(connection);
  const closed = new AbortController();
  const underWay = new Set<Promise<void>>();
  let onAnswer = () => {};
  const run = async (request: Request) => {
    await messages.push(JSON.stringify(await answer(libos, request, closed.signal)));
  };
  try {
    for (let sga; (sga = yield* messages.pop()) !== null;) {
      const request = parseRequest(sga);
      if (request === null) return void (yield* messages.push(NO_REQUEST));
      // That an answer could not be sent, the next pop tells too.
      const call: Promise<void> = run(request).catch(() => {}).finally(() => {
        underWay.delete(call);
        onAnswer();
      });
      underWay.add(call);
      if (underWay.size >= UNDER_WAY) {
        yield* libos.operations.join(new Promise<void>((resolve) => onAnswer = resolve));
      }
    }
    // The client sends no more, and may still read.
    yield* libos.operations.join(Promise.all(underWay));
  } finally {
    closed.abort(new Deno.errors.Interrupted("The client is gone"));
  }
}

/**
 * A client. Any number of calls may be under way; closing it fails them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { connect, open, serve } from "@demikernel/deno";
 * import { Client, serveCalls } from "./rpc.ts";
 *
 * await using libos = open("catnap");
 * await using server = serve({ libos, hostname: "127.0.0.1", port: 0 }, serveCalls);
 * using client = new Client(await connect({ libos, port: server.addr.port }));
 * const slow = client.call("sleep", [20]).then(() => "slow");
 * const quick = client.call("add", [1, 2]);
 * assertEquals(await Promise.race([slow, quick]), 3);
 * await slow;
 * ```
 */
export class Client implements Disposable {
  readonly #connection: Connection;
  readonly #messages: Messages;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;
  /** Why there are no more answers. */
  #ended: Error | null = null;

  /** Begins to use a connection, which it then owns. */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#messages = new Messages(connection);
    void this.#readAnswers();
  }

  /**
   * Calls a method. Rejects with what the server says; with `Deno.errors.TimedOut` after so many milliseconds, when the
   * server gives up too; and with why the connection ended.
   */
  async call(
    method: string,
    params: readonly unknown[],
    { timeout }: { readonly timeout?: number } = {},
  ): Promise<unknown> {
    if (this.#ended !== null) throw this.#ended;
    if (timeout !== undefined && !(timeout >= 0 && timeout <= LONGEST)) {
      throw new RangeError(`A timeout is 0 to ${LONGEST} milliseconds, not ${timeout}`);
    }
    const id = ++this.#last;
    const answered = Promise.withResolvers<unknown>();
    this.#calls.set(id, answered);
    const late = () => answered.reject(new Deno.errors.TimedOut(`No answer to ${method}`));
    const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
    try {
      const pushed = this.#messages.push(JSON.stringify({ id, method, params, timeout }));
      const [result] = await Promise.all([answered.promise, pushed]);
      return result;
    } finally {
      clearTimeout(timer);
      this.#calls.delete(id);
    }
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
    this.#messages[Symbol.dispose]();
  }

  async #readAnswers(): Promise<void> {
    try {
      for await (const sga of this.#messages) {
        const { id, result, error } = parse(sga) as Answer;
        // Nobody is there any more if it comes too late.
        const call = this.#calls.get(id);
        if (error === undefined) call?.resolve(result);
        else call?.reject(new Error(error));
      }
      this.#ended = new Deno.errors.ConnectionReset("The server closed the connection");
    } catch (error) {
      this.#ended = error as Error;
    }
    this[Symbol.dispose]();
    for (const call of this.#calls.values()) call.reject(this.#ended);
  }
}

if (import.meta.main) {
  await main({
    about: "RPC server",
    port: 7004,
    start: (libos, { hostname, port }, signal) =>
      serve({ libos, hostname, port, signal }, serveCalls),
  });
}
