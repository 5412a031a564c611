/**
 * What was popped from a stream of bytes and is not read yet: one run of bytes, whatever the pieces were in which it
 * came.
 *
 * It lies in the sga that was popped, as long as that has all that is needed. Only what is cut by the end of an sga is
 * copied, to a buffer that grows as more comes, so that each byte is copied once or twice.
 *
 * @module
 */

import { checkKind } from "../check.ts";
import { DemikernelError } from "../error.ts";
import type { LibOS, Operation, OperationOptions, Sga } from "../pdpix.ts";
import { toDenoError } from "./errors.ts";
import { checkLibOS } from "./lease.ts";
import type { MessageCodec, MessageHeader } from "./message_header.ts";
import type { PopOptions } from "./socket.ts";

/** What bytes are read from: a {@linkcode Connection}, a {@linkcode Reader}, and whatever pops as they do. */
export interface ByteSource {
  /** Where its sgas come from. */
  readonly libos: LibOS;
  /** As {@linkcode Connection.pop}. */
  pop(options?: PopOptions): Operation<Sga | null>;
}

const NOTHING = new Uint8Array(0);

/** See the module's description. */
export class Input implements Disposable {
  /** The libOS of its sgas. */
  readonly libos: LibOS;
  /** Whether the stream has ended. */
  ended = false;
  /** How many bytes are needed, if whoever reads knows; then no more are popped. */
  wanted = 0;
  readonly #source: ByteSource;
  #sga: Sga | null = null;
  /** The memory of that sga. */
  #bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #start = 0;
  #end = 0;
  /** So many bytes were searched already. */
  #searched = 0;
  /** Who reads now. */
  #reader: Pick<Operation<unknown>, "cancel"> | null = null;
  #closed = false;

  /** Reads from a source. */
  constructor(source: ByteSource) {
    checkKind("read", "source", source, "an object");
    checkLibOS(source.libos);
    this.libos = source.libos;
    this.#source = source;
  }

  /** How many bytes there are. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** One begins to read. Throws `Deno.errors.Busy` while another does, and `BadResource` when it was closed. */
  begin(reader: Pick<Operation<unknown>, "cancel">): void {
    if (this.#closed) throw new Deno.errors.BadResource("Cannot read: the reader was closed");
    if (this.#reader !== null) {
      const detail = "something else is being read";
      throw toDenoError(new DemikernelError("EBUSY", "read", { detail }));
    }
    this.#reader = reader;
    this.wanted = 0;
    this.#searched = 0;
  }

  /** It reads no more. */
  end(): void {
    this.#reader = null;
  }

  /** Asks the source for more. */
  pop(limits: OperationOptions | undefined): Operation<Sga | null> {
    const missing = this.wanted - this.length;
    if (this.length === 0 || missing <= 0) return this.#source.pop(limits);
    return this.#source.pop({ ...limits, size: missing });
  }

  /** Adds what the source gave. */
  supply(sga: Sga | null): void {
    if (sga === null) {
      this.ended = true;
    } else if (this.#closed || sga.length === 0) {
      sga.recycle();
    } else if (this.#sga === null && sga.numsegs === 1) {
      this.#hold(sga, sga.length);
    } else {
      this.#append(sga);
    }
  }

  /** Where a delimiter begins, counted from the first byte; -1 if it is not there. */
  indexOf(delimiter: Uint8Array): number {
    const first = delimiter[0]!;
    const last = this.#end - delimiter.length;
    const bytes = this.#bytes;
    let at = bytes.indexOf(first, this.#start + this.#searched);
    while (at >= 0 && at <= last) {
      if (isAt(bytes, at, delimiter)) return at - this.#start;
      at = bytes.indexOf(first, at + 1);
    }
    this.#searched = Math.max(this.#searched, this.length - delimiter.length + 1);
    return -1;
  }

  /** Reads the header of a message, if it is all there. */
  read(codec: MessageCodec): MessageHeader | null {
    return codec.read(this.#bytes, this.#start, this.#end);
  }

  /** The first bytes, as they lie in memory. */
  view(length: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#start, this.#start + length);
  }

  /** Takes the first bytes, as an sga of one segment, which is the caller's. It shares memory with what is left. */
  take(length: number): Sga {
    const sga = this.#sga;
    if (sga === null || length === 0) return this.libos.alloc(length);
    if (length === this.length) {
      sga.trim(this.#start, length);
      this.#forget();
      return sga;
    }
    const part = sga.clone();
    part.trim(this.#start, length);
    this.#start += length;
    return part;
  }

  /** Drops the first bytes. */
  skip(length: number): void {
    this.#start += length;
    if (this.#start === this.#end) this.#free();
  }

  /** Cancels what is being read, and frees what is left. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#reader?.cancel();
    this.#free();
  }

  /** Copies an sga behind what there is. */
  #append(sga: Sga): void {
    try {
      if (this.#end + sga.length > this.#bytes.length) this.#grow(this.length + sga.length);
      for (let i = 0; i < sga.numsegs; i++) {
        const bytes = sga.bytes(i);
        this.#bytes.set(bytes, this.#end);
        this.#end += bytes.length;
      }
    } catch (error) {
      // Whoever read on would not see that bytes are missing.
      this[Symbol.dispose]();
      throw error;
    } finally {
      sga.recycle();
    }
  }

  /** Moves to a buffer with room for so many bytes, and for as many again as there are, if those may come. */
  #grow(needed: number): void {
    const { length } = this;
    const growth = this.wanted > 0 ? Math.min(2 * length, this.wanted) : 2 * length;
    const larger = this.libos.alloc(Math.max(needed, growth));
    larger.bytes().set(this.#bytes.subarray(this.#start, this.#end));
    this.#free();
    this.#hold(larger, length);
  }

  #hold(sga: Sga, length: number): void {
    this.#sga = sga;
    this.#bytes = sga.bytes();
    this.#start = 0;
    this.#end = length;
  }

  #free(): void {
    const sga = this.#sga;
    this.#forget();
    // Nobody else has the handle.
    sga?.recycle();
  }

  #forget(): void {
    this.#sga = null;
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }
}

function isAt(bytes: Uint8Array, at: number, delimiter: Uint8Array): boolean {
  for (let i = 1; i < delimiter.length; i++) if (bytes[at + i] !== delimiter[i]) return false;
  return true;
}
