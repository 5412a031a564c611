/**
 * What of a reply does not fit into one batch: its strings stay where they are until those before them were sent.
 *
 * @module
 */
import { allocate, free, hold, release } from "./memory.ts";
import type { Span } from "./span.ts";

/** What is known of a string: in which memory it is, where it begins there, and its length. */
const MEMORY = 0;
const START = 1;
const LENGTH = 2;
const WORDS = 3;
/** The length of no string. */
const NULL = -1;
const INITIAL_ROOM = 16;

/** A queue of strings, each of which may be null. The memory that they are in is held: they do not change. */
export class ReplyTail {
  #words: Int32Array<ArrayBuffer> = new Int32Array(INITIAL_ROOM * WORDS);
  #first = 0;
  #end = 0;
  readonly #memories: Uint8Array[] = [];
  /** The index of each memory. */
  readonly #indices = new Map<ArrayBufferLike, number>();

  /** Whether there are no more strings. */
  get empty(): boolean {
    return this.#first === this.#end;
  }

  /**
   * Adds a string.
   *
   * @throws {CommandError} If there is no memory for it.
   */
  add(string: Span | null): void {
    if (this.#end === this.#words.length) {
      const words = new Int32Array(allocate(this.#words.byteLength * 2));
      words.set(this.#words);
      free(this.#words.buffer);
      this.#words = words;
    }
    const at = this.#end;
    this.#end += WORDS;
    const words = this.#words;
    words[at + LENGTH] = NULL;
    if (string === null) return;
    words[at + MEMORY] = this.#indexOf(string.bytes);
    words[at + START] = string.start;
    words[at + LENGTH] = string.length;
  }

  /** Takes the first string out, and lets a span be it; returns false if it is null. */
  shift(string: Span): boolean {
    const at = this.#first;
    this.#first += WORDS;
    const words = this.#words;
    const length = words[at + LENGTH]!;
    if (length === NULL) return false;
    const start = words[at + START]!;
    string.set(this.#memories[words[at + MEMORY]!]!, start, start + length);
    return true;
  }

  /** Releases all memory. */
  close(): void {
    for (const { buffer } of this.#memories) release(buffer as ArrayBuffer);
    free(this.#words.buffer);
  }

  #indexOf(bytes: Uint8Array): number {
    const { buffer } = bytes;
    let index = this.#indices.get(buffer);
    if (index === undefined) {
      hold(buffer as ArrayBuffer);
      index = this.#memories.push(bytes) - 1;
      this.#indices.set(buffer, index);
    }
    return index;
  }
}
