/**
 * Sending a body that comes in parts.
 *
 * @module
 */

import type { Coroutine, LibOS, OperationOptions } from "../pdpix.ts";
import type { BodyStream } from "./answer.ts";
import type { Writer } from "./writer.ts";

/** What is left of the time for an operation. */
export type Bounds = () => OperationOptions | undefined;

/** How a body is sent. */
export interface Sending {
  /** What it is written with; a head may be there already. */
  readonly writer: Writer;
  /** How long it is by its head; -1 if that says nothing. */
  readonly length: number;
  /** Whether it goes in chunks. */
  readonly chunked: boolean;
  /** Sends what is written, and waits until it was taken. */
  flush(): Coroutine;
  /** How long a part may be waited for. */
  readonly bounds?: Bounds;
}

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/** Sends a body in parts, each when the one before was taken. What it ends with is written, and not sent. */
export function* sendStream(body: BodyStream, libos: LibOS, sending: Sending): Coroutine {
  const { writer, length, chunked, bounds } = sending;
  const { operations } = libos;
  const iterator = body[Symbol.asyncIterator]();
  let left = length < 0 ? Infinity : length;
  let over = false;
  try {
    for (;;) {
      const next = Promise.resolve(iterator.next());
      // A first part that is there already goes with the head.
      let settled = false;
      const settle = () => void (settled = true);
      next.then(settle, settle);
      yield* operations.join(Promise.resolve().then(nothing));
      if (!settled) yield* sending.flush();
      const limits = bounds?.();
      const joined = operations.join(next);
      const { done, value } = yield* (limits === undefined ? joined : joined.within(limits));
      if (done) break;
      const part = typeof value === "string" ? encoder.encode(value) : value;
      if (part.length === 0) continue;
      left -= part.length;
      if (left < 0) throw new RangeError("The body is longer than its content-length");
      if (chunked) writer.writeLatin1(`${part.length.toString(16)}\r\n`);
      if (part instanceof Uint8Array) writer.write(part);
      else writer.extend(part);
      if (chunked) writer.write(CRLF);
      yield* sending.flush();
    }
    over = true;
    if (left !== Infinity && left > 0) {
      throw new RangeError("The body is shorter than its content-length");
    }
    if (chunked) writer.write(LAST_CHUNK);
  } finally {
    if (!over) void Promise.try(() => iterator.return?.()).catch(nothing);
  }
}

function nothing(): void {}
