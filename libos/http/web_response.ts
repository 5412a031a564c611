/**
 * A `Response` as an answer. One whose body is known, a text or bytes, is never made a stream, and its fields are taken as
 * they are kept.
 *
 * For that one has to look where Deno keeps them: under symbols of its own, which are found by what they hold in a sample,
 * and in the inner response that the Fetch standard speaks of. Where that does not look as expected, a `Response` is read
 * by its public properties, which is slower.
 *
 * @module
 */

import type { Answer, AnswerInit } from "./answer.ts";

/** The inner response, as far as it is used. */
interface Inner {
  readonly status: number;
  readonly headerList: readonly (readonly [name: string, value: string])[];
  readonly body: { readonly streamOrStatic: object } | null;
}

/** A body that is known. */
interface Static {
  readonly body: string | Uint8Array;
  consumed: boolean;
}

/** The symbols. */
interface Internals {
  readonly inner: symbol;
  /** A text that was not even given to the inner response yet, and its type if it has one. */
  readonly text: symbol;
  readonly type: symbol;
}

type Opened = Response & Readonly<Record<symbol, unknown>>;

const internals = findInternals();

/** The answer that a response is. Throws a `TypeError` for what is none, or was used. */
export function answerOf(response: Response): Answer {
  if (!(response instanceof Response)) {
    throw new TypeError("A handler of the fetch tier must give a Response");
  }
  if (internals === null) return answerByProperties(response);
  const inner = (response as Opened)[internals.inner] as Inner;
  if (inner.body === null) {
    const text = (response as Opened)[internals.text];
    if (typeof text === "string") {
      const type = (response as Opened)[internals.type] as string | null;
      if (type === null && inner.status === 200) return text;
      return {
        status: inner.status,
        headers: [["content-type", type ?? "text/plain;charset=UTF-8"]],
        body: text,
      };
    }
    return { status: inner.status, headers: inner.headerList };
  }
  const known = inner.body.streamOrStatic as Partial<Static>;
  if (known.body === undefined) return answerByProperties(response);
  if (known.consumed) throw new TypeError("The body of the response was consumed");
  known.consumed = true;
  return { status: inner.status, headers: inner.headerList, body: known.body };
}

function answerByProperties(response: Response): AnswerInit {
  if (response.bodyUsed) throw new TypeError("The body of the response was consumed");
  return { status: response.status, headers: response.headers, body: response.body };
}

function findInternals(): Internals | null {
  const sample = Response.json("sample") as Opened;
  const before = new Map(
    Object.getOwnPropertySymbols(sample).map((symbol) => [symbol, sample[symbol]]),
  );
  void sample.headers;
  let inner: symbol | undefined;
  let text: symbol | undefined;
  let type: symbol | undefined;
  for (const [symbol, value] of before) {
    const now = sample[symbol];
    if (value === '"sample"' && now === null) text = symbol;
    if (value === "application/json" && now === null) type = symbol;
    const known = (now as Inner | null)?.body?.streamOrStatic as Static | undefined;
    if (known?.body === '"sample"' && known.consumed === false) inner = symbol;
  }
  return inner && text && type ? { inner, text, type } : null;
}
