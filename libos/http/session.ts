/**
 * One connection of a server: requests are parsed, handed to the handler, and answered in order.
 *
 * It is a coroutine, whatever the handlers are. What several requests that came together are answered is written into one
 * buffer and pushed once; it is sent before anybody is waited for.
 *
 * @module
 */

import type { DemikernelError } from "../error.ts";
import type { Connection } from "../net/mod.ts";
import { isCoroutine } from "../net/serve.ts";
import type { Outbox } from "../net/outbox.ts";
import type { Coroutine, LibOS, Sga } from "../pdpix.ts";
import type { Answer, Switching } from "./answer.ts";
import { HttpError } from "./error.ts";
import { type Channel, MessageInput, takePart } from "./input.ts";
import { TYPE } from "./llhttp.ts";
import type { HttpLimits } from "./options.ts";
import { Parser, STEP } from "./parser.ts";
import { END_CLOSE, Replies } from "./replies.ts";
import { abort, begin, end, hasSignal, HttpRequest } from "./request.ts";
import { headOf } from "./status.ts";

/** What a handler gives: its answer, at once or later. */
export type Answered = Answer | PromiseLike<Answer> | Coroutine<Answer>;

/** What a session needs of its server. */
export interface SessionServer {
  /** See {@linkcode HttpLimits}. */
  readonly limits: Required<HttpLimits>;
  /** Posts what is to be sent. */
  readonly outbox: Outbox;
  /** Counts on, for timeouts. */
  readonly tick: number;
  /** Whether no more requests are taken after those that are under way. */
  readonly closing: boolean;
  /** Whether connections are under TLS. */
  readonly secure: boolean;
  /** Gives the answer to a request. */
  handle(request: HttpRequest): Answered;
  /** Told that a connection is served no more. */
  left(session: Session): void;
  /** Told of what a handler threw; gives what is answered instead. */
  fail(error: unknown, request: HttpRequest): Answer;
}

/** What a session waits for. */
export const STATE = { head: 0, idle: 1, handler: 2, body: 3 } as const;

/** More than this is pushed before another request is answered. */
const BATCH = 65536;
/** So much of a body that nobody wanted is read, to keep the connection. */
const DRAIN = 262_144;
/** How long, in milliseconds, a client is listened to that is not answered any more. */
const LINGER = 1000;

/** How it fails to read from a client that went away or was given up. */
const GONE = ["ECONNRESET", "EPIPE", "ECANCELED", "ETIMEDOUT"];

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** See the module's description. */
export class Session {
  /** What is waited for: see {@linkcode STATE}. */
  state: number = STATE.head;
  /** Since which tick. */
  since: number;
  /** What the channel is, or lies upon. */
  readonly connection: Connection;
  readonly #server: SessionServer;
  readonly #channel: Channel;
  readonly #libos: LibOS;
  readonly #parser: Parser;
  readonly #input: MessageInput;
  readonly #request: HttpRequest;
  readonly #replies: Replies;

  /** Begins to serve a connection. */
  constructor(server: SessionServer, channel: Channel, connection: Connection) {
    this.connection = connection;
    this.#server = server;
    this.#channel = channel;
    this.#libos = channel.libos;
    this.#parser = new Parser(TYPE.REQUEST, server.limits);
    this.#input = new MessageInput(channel, this.#parser);
    this.#input.maxBodySize = server.limits.maxBodySize;
    this.#request = new HttpRequest(channel, this.#input, server.secure);
    this.#replies = new Replies(server, channel, this.#input, this.#request);
    this.since = server.tick;
  }

  /** Whether it has nothing to do but to wait for a request. */
  get idle(): boolean {
    return this.state <= STATE.idle && !this.#parser.begun;
  }

  /** Says that it took too long, and closes; not while only the handler takes its time. */
  expire(): void {
    if (this.state === STATE.body && this.#parser.done) return;
    if (this.state === STATE.head && this.#parser.begun && this.#channel.open) {
      try {
        this.#channel.tryPush(`${headOf(408)}content-length: 0${END_CLOSE}`);
      } catch {
        // It is gone already.
      }
    }
    this.#channel[Symbol.dispose]();
  }

  /** Serves until the connection is to be closed. */
  *run(): Coroutine {
    const input = this.#input;
    const parser = this.#parser;
    const request = this.#request;
    const server = this.#server;
    const channel = this.#channel;
    const replies = this.#replies;
    try {
      serving: while (!replies.last) {
        let step = input.advance();
        while (step === STEP.more) {
          if (replies.length > 0) {
            const push = replies.takePush();
            if (push !== null) yield* push;
            replies.post();
          }
          const state = parser.begun || this.state === STATE.head ? STATE.head : STATE.idle;
          if (state !== this.state) {
            this.state = state;
            this.since = server.tick;
          }
          const sga: Sga | null = yield* input.pop();
          input.supply(sga);
          if (sga === null) break serving;
          step = input.advance();
        }
        const failure = step === STEP.failed ? parser.failure : begin(request);
        this.state = STATE.handler;
        replies.last = !parser.keepAlive || server.closing;
        let answer: Answered;
        if (failure !== null) {
          answer = this.#refuse(failure.status, failure.reason);
        } else {
          const refusal = parser.hasBody ? this.#expectBody() : null;
          if (replies.length > 0 || input.expected !== null) {
            // Whoever does not take his answers gets no more of them.
            const push = replies.takePush();
            if (push !== null) yield* push;
          }
          answer = refusal ?? this.#handle();
          if (typeof answer === "object" && answer !== null) {
            if (isCoroutine(answer)) answer = yield* this.#finish(answer);
            else if (isPromise(answer)) answer = yield* this.#join(answer);
          }
        }
        if (typeof answer === "string" && parser.method !== "HEAD") {
          replies.writeText(answer);
        } else {
          const rest = isSwitching(answer as Answer)
            ? this.#switch(answer as Switching)
            : replies.write(answer as Exclude<Answer, Switching>);
          if (rest !== null) yield* rest;
        }
        if (parser.hasBody && !parser.done) yield* this.#drain();
        end(request);
        input.next();
        if (replies.length > BATCH) yield* replies.flush();
      }
      yield* replies.flush();
      if (channel.open) yield* this.#linger();
    } catch (error) {
      if (!this.#isGone(error)) throw error;
    } finally {
      abort(request, new Deno.errors.ConnectionAborted("The client is gone"));
      end(request);
      this.state = STATE.handler;
      server.left(this);
      replies[Symbol.dispose]();
      input[Symbol.dispose]();
    }
  }

  #handle(): Answered {
    try {
      return this.#server.handle(this.#request);
    } catch (error) {
      return this.#fail(error);
    }
  }

  #fail(error: unknown): Answer {
    if (error instanceof HttpError) return this.#refuse(error.status, error.message);
    if (this.#input.ended && error instanceof Deno.errors.UnexpectedEof) {
      return this.#refuse(400, error.message);
    }
    // It failed to read: it has nothing to tell.
    if (this.#isGone(error)) return this.#refuse(408, "The body did not come");
    return this.#server.fail(error, this.#request);
  }

  /** Whether an error only says that the client is gone, or was too slow. */
  #isGone(error: unknown): boolean {
    const { qd, code } = ((error as Error | null)?.cause ?? {}) as Partial<DemikernelError>;
    return qd === this.connection.qd && GONE.includes(code!);
  }

  /** Answers what is wrong, and closes: nobody knows what follows. */
  #refuse(status: number, reason: string): Answer {
    this.#replies.last = true;
    return { status, body: `${reason}\n` };
  }

  /** Before a body: whether it is too long, and what the client waits for. Gives an answer in place of the handler's. */
  #expectBody(): Answer | null {
    const parser = this.#parser;
    this.state = STATE.body;
    this.since = this.#server.tick;
    if (parser.contentLength > this.#server.limits.maxBodySize) {
      return this.#refuse(413, "The body is too large");
    }
    const expect = parser.fields.get("expect");
    if (expect === null || parser.version === 10) return null;
    // RFC 9110, section 10.1.1.
    if (!/^100-continue(?:, *100-continue)*$/i.test(expect)) {
      return this.#refuse(417, "Nothing else is expected");
    }
    if (!parser.hasRest) {
      this.#input.expected = () => {
        // Behind the answers to what came before.
        this.#replies.writeBetween(CONTINUE);
        this.#replies.post();
      };
    }
    return null;
  }

  /** Runs a handler to its end; what was written is sent if it has to wait. */
  *#finish(coroutine: Coroutine<Answer>): Coroutine<Answer> {
    try {
      const step = coroutine.next();
      if (step.done) return step.value;
      let waits = true;
      try {
        if (this.#replies.length > 0) {
          // The step is the handler's to wait for; what was written goes out beside it.
          this.#replies.post();
        }
        yield step.value;
        waits = false;
      } finally {
        if (waits) coroutine.return(undefined as never);
      }
      return yield* coroutine;
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Waits for a promise of a handler. */
  *#join(promise: PromiseLike<Answer>): Coroutine<Answer> {
    const { operations } = this.#libos;
    try {
      if (this.#replies.length > 0 && this.#parser.hasRest) {
        // More requests are here already, and the answer may be too: then they go together.
        let settled = false;
        const settle = () => void (settled = true);
        promise.then(settle, settle);
        yield* operations.join(Promise.resolve().then(nothing));
        if (!settled) this.#replies.post();
      } else if (this.#replies.length > 0) {
        this.#replies.post();
      }
      if (hasSignal(this.#request)) this.#watch();
      return yield* operations.join(promise);
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Sees whether the client goes away, while its request is being answered. */
  #watch(): void {
    const input = this.#input;
    if (!this.#parser.done || this.#parser.hasRest || input.ahead !== null) return;
    const gone = (reason: unknown) => abort(this.#request, reason);
    input.ahead = Promise.resolve(this.#channel.pop());
    input.ahead.then(
      (sga) => sga === null && gone(new Deno.errors.ConnectionAborted("The client is gone")),
      gone,
    );
  }

  /** Hands the connection over. */
  *#switch({ takeover }: Switching): Coroutine {
    this.#replies.last = true;
    yield* this.#replies.flush();
    let rest = this.#input.rest();
    const { ahead } = this.#input;
    if (ahead !== null) {
      this.#input.ahead = null;
      const sga = yield* this.#libos.operations.join(ahead);
      if (sga !== null) {
        rest = sga.toUint8Array();
        sga.free();
      }
    }
    this.state = STATE.handler;
    yield* this.#libos.operations.join(takeover(this.#channel, rest));
  }

  /** Reads what is left of a body that the handler did not want, or gives up the connection. */
  *#drain(): Coroutine {
    const input = this.#input;
    const parser = this.#parser;
    // Who was not told to go on may do so or not (RFC 9110, section 10.1.1).
    if (input.expected !== null) this.#replies.last = true;
    const left = parser.chunked ? 0 : parser.contentLength - parser.bodyTotal;
    if (this.#replies.last || left > DRAIN || !this.#channel.open) {
      this.#replies.last = true;
      return;
    }
    yield* this.#replies.flush();
    const most = parser.bodyTotal + DRAIN;
    try {
      for (let part; (part = takePart(input)) !== null;) {
        if (part !== undefined) part.recycle();
        else input.supply(yield* input.pop());
        if (parser.bodyTotal > most) this.#replies.last = true;
        if (this.#replies.last) return;
      }
    } catch {
      this.#replies.last = true;
    }
  }

  /**
   * Closes in two steps (RFC 9112, section 9.6): who still sends would be reset, and might lose the answer with that.
   */
  *#linger(): Coroutine {
    const channel = this.#channel;
    if (!this.#libos.capabilities.halfClose || this.#input.ended) return;
    try {
      channel.closeWrite();
      const until = performance.now() + LINGER;
      for (let left = LINGER; left > 0; left = until - performance.now()) {
        const sga: Sga | null = yield* channel.pop({ timeout: left });
        if (sga === null) return;
        sga.recycle();
      }
    } catch {
      // It is gone, or says nothing.
    }
  }
}

function nothing(): void {}

function isSwitching(answer: Answer): answer is Switching {
  return typeof answer === "object" && answer !== null && "takeover" in answer;
}

function isPromise(value: object): value is PromiseLike<Answer> {
  return typeof (value as PromiseLike<Answer>).then === "function";
}
