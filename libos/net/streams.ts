/**
 * A connection as the streams of the web. They are made when they are first asked for, and kept beside it, so that a
 * connection that has none carries nothing for them.
 *
 * @module
 */

import type { LibOS, Operation, QueueDescriptor, Sga } from "../pdpix.ts";
import { copyTo } from "./copy.ts";
import { withDenoErrors } from "./errors.ts";
import { isClosed } from "./lease.ts";
import type { PopOptions } from "./socket.ts";

/** A connection, as its streams use it. */
export interface StreamedConnection extends Disposable {
  readonly libos: LibOS;
  readonly qd: QueueDescriptor;
  readonly open: boolean;
  pop(options?: PopOptions): Operation<Sga | null>;
  push(data: Uint8Array): Operation<void>;
}

const all = new WeakMap<StreamedConnection, Streams>();

/** The streams of a connection. */
export function streamsOf(connection: StreamedConnection): Streams {
  let streams = all.get(connection);
  if (streams === undefined) all.set(connection, streams = new Streams(connection));
  return streams;
}

/** See the module's description. */
export class Streams {
  readonly #connection: StreamedConnection;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;
  /** Which directions are over. */
  readonly #over = { read: false, write: false };

  /** Makes none yet. */
  constructor(connection: StreamedConnection) {
    this.#connection = connection;
  }

  /** See {@linkcode Connection.readable}. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= this.#makeReadable();
  }

  /** See {@linkcode Connection.writable}. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= this.#makeWritable();
  }

  #makeReadable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const connection = this.#connection;
    let pop: Operation<Sga | null> | undefined;
    return new ReadableStream({
      type: "bytes",
      pull: async (controller: ReadableByteStreamController) => {
        const view = controller.byobRequest?.view;
        try {
          pop = view ? connection.pop({ size: view.byteLength }) : connection.pop();
          const sga = await pop;
          if (sga !== null) return give(sga, controller);
        } catch (error) {
          this.#end("read");
          throw error;
        }
        controller.close();
        controller.byobRequest?.respond(0);
        this.#end("read");
      },
      cancel: () => {
        pop?.cancel();
        try {
          this.#shut("read");
        } catch {
          // The other side has reset it.
        }
      },
    });
  }

  #makeWritable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    const connection = this.#connection;
    return new WritableStream<Uint8Array<ArrayBufferLike>>({
      start: (controller) => {
        // Not in `abort`, which waits for the push that is under way.
        controller.signal.addEventListener("abort", () => reset(connection));
      },
      write: async (chunk) => {
        try {
          await connection.push(chunk);
        } catch (error) {
          this.#end("write");
          throw error;
        }
      },
      close: () => withDenoErrors(() => this.#shut("write")),
    });
  }

  /** Ends a direction, and tells the other side, if the libOS can. */
  #shut(direction: "read" | "write"): void {
    const connection = this.#connection;
    this.#end(direction);
    const { libos, qd } = connection;
    if (connection.open && libos.capabilities.halfClose) libos.shutdown(qd, direction);
  }

  /** A direction is over; when both are, so is the connection. */
  #end(direction: "read" | "write"): void {
    this.#over[direction] = true;
    if (this.#over.read && this.#over.write) this.#connection[Symbol.dispose]();
  }
}

/** Gives the bytes of an sga to whoever reads: a copy, since a stream takes the memory that it is given away. */
function give(sga: Sga, controller: ReadableByteStreamController): void {
  const request = controller.byobRequest;
  try {
    // Another one may read now than when it was popped.
    if (!request?.view || request.view.byteLength < sga.length) {
      controller.enqueue(sga.toUint8Array());
    } else {
      copyTo(sga, new Uint8Array(request.view.buffer, request.view.byteOffset));
      request.respond(sga.length);
    }
  } finally {
    sga.free();
  }
}

/** Closes a connection such that the other side does not take what it got for all. */
function reset(connection: StreamedConnection): void {
  const { libos, qd, open } = connection;
  if (open && !isClosed(libos) && libos.capabilities.options.includes("linger")) {
    libos.setsockopt(qd, "linger", 0);
  }
  connection[Symbol.dispose]();
}
