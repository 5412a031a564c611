/**
 * What is to be sent on a connection: answers are written one behind the other, and go in one push.
 *
 * @module
 */

import type { LibOS, Sga } from "../pdpix.ts";

const encoder = new TextEncoder();
const NONE = new Uint8Array(0);
/** Memory for one small answer, and how long a text is whose bytes are not counted first. */
const SMALL = 512;
const SHORT = 4096;

/** See the module's description. */
export class Writer {
  readonly #libos: LibOS;
  #sga: Sga | null = null;
  #bytes: Uint8Array<ArrayBuffer> = NONE;
  #length = 0;
  /** Behind what is written: bodies that are sgas, and what was written after them. */
  #whole: Sga | null = null;
  #total = 0;

  /** Makes an empty one. */
  constructor(libos: LibOS) {
    this.#libos = libos;
  }

  /** How many bytes there are. */
  get length(): number {
    return this.#total + this.#length;
  }

  /** Writes a head, its length, and a text. */
  writeText(head: string, body: string, end: string): void {
    if (body.length > SHORT) return this.writeBytes(head, encoder.encode(body), end);
    // Nearly all texts are ASCII, whose length in bytes is known.
    const text = `${head}content-length: ${body.length}${end}${body}`;
    if (!this.#writeAscii(text)) this.writeBytes(head, encoder.encode(body), end);
  }

  /** Writes a head, its length, and bytes. */
  writeBytes(head: string, body: Uint8Array, end: string): void {
    this.writeLatin1(`${head}content-length: ${body.length}${end}`);
    this.#reserve(body.length);
    this.#bytes.set(body, this.#length);
    this.#length += body.length;
  }

  /** Writes a text, each character a byte. */
  writeLatin1(text: string): void {
    if (this.#writeAscii(text)) return;
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  /** Writes bytes. */
  write(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Adds an sga behind what is written, which takes it over. */
  extend(body: Sga): void {
    if (body.length === 0) return body.free();
    this.#seal();
    this.#total += body.length;
    if (this.#whole === null) this.#whole = body;
    else this.#whole.extend(body);
  }

  /** Hands over what is written, for a push; null if nothing is. */
  take(): Sga | null {
    this.#seal();
    const whole = this.#whole;
    this.#whole = null;
    this.#total = 0;
    return whole;
  }

  /** Drops it. */
  [Symbol.dispose](): void {
    this.#sga?.recycle();
    this.#whole?.free();
    this.#sga = this.#whole = null;
    this.#length = this.#total = 0;
  }

  /** Writes a text if it is ASCII; there is room for it else. */
  #writeAscii(text: string): boolean {
    this.#reserve(text.length);
    const at = this.#length;
    const bytes = at === 0 ? this.#bytes : this.#bytes.subarray(at);
    const { read, written } = encoder.encodeInto(text, bytes);
    if (read !== text.length || written !== text.length) return false;
    this.#length = at + written;
    return true;
  }

  /** Makes what is written a part of the whole. */
  #seal(): void {
    const sga = this.#sga;
    if (sga === null) return;
    this.#sga = null;
    this.#bytes = NONE;
    sga.trim(0, this.#length);
    this.#total += this.#length;
    this.#length = 0;
    if (this.#whole === null) {
      this.#whole = sga;
    } else {
      this.#whole.extend(sga);
    }
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = this.#libos.alloc(Math.max(SMALL, this.#length === 0 ? needed : 2 * needed));
    const bytes = grown.bytes();
    if (this.#length > 0) bytes.set(this.#bytes.subarray(0, this.#length));
    this.#sga?.recycle();
    this.#sga = grown;
    this.#bytes = bytes;
  }
}
