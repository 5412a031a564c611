/**
 * The fields of a head, where they lie: nothing is made of them before somebody asks.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** So many fields have room at first. */
const FEW = 16;
const NONE = new Uint8Array(0);

/** See the module's description. Positions count from the beginning of the message. */
export class Fields {
  /** The memory that the head lies in. */
  #bytes: Uint8Array = NONE;
  /** Where the message begins there. */
  #offset = 0;
  /** Of each field, where its name begins and ends, and its value. */
  #spans = new Int32Array(4 * FEW);
  #count = 0;

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Forgets them. */
  clear(): void {
    this.#count = 0;
    this.#bytes = NONE;
  }

  /** One more name; its value is empty as long as none is told. */
  addName(start: number, end: number): void {
    const at = 4 * this.#count++;
    if (at === this.#spans.length) {
      const more = new Int32Array(2 * at);
      more.set(this.#spans);
      this.#spans = more;
    }
    const spans = this.#spans;
    spans[at] = start;
    spans[at + 1] = end;
    spans[at + 2] = end;
    spans[at + 3] = end;
  }

  /** The last name ends later. */
  extendName(end: number): void {
    this.#spans[4 * this.#count - 3] = end;
  }

  /** The value of the last name. */
  setValue(start: number, end: number): void {
    this.#spans[4 * this.#count - 2] = start;
    this.#spans[4 * this.#count - 1] = end;
  }

  /** The last value ends later. */
  extendValue(end: number): void {
    this.#spans[4 * this.#count - 1] = end;
  }

  /** Where the last name, or the last value, ends. */
  lastEnd(value: boolean): number {
    return this.#count === 0 ? -1 : this.#spans[4 * this.#count - (value ? 1 : 3)]!;
  }

  /** They are all here, and lie there. */
  lie(bytes: Uint8Array, offset: number): void {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  /** Keeps a copy of the head, of so many bytes, for who looks at it later. */
  keep(length: number): void {
    this.lie(this.#bytes.slice(this.#offset, this.#offset + length), 0);
  }

  /** The next field of a name, which is in small letters, from an index on; -1 if there is none. */
  find(name: string, from = 0): number {
    const spans = this.#spans;
    for (let i = from; i < this.#count; i++) {
      if (spans[4 * i + 1]! - spans[4 * i]! === name.length && this.#isNamed(i, name)) return i;
    }
    return -1;
  }

  /** The name of one, as it was sent. */
  name(index: number): string {
    return this.text(this.#spans[4 * index]!, this.#spans[4 * index + 1]!);
  }

  /** The value of one, each byte a character (RFC 9110, section 5.5). */
  value(index: number): string {
    return this.text(this.#spans[4 * index + 2]!, this.#valueEnd(index));
  }

  /**
   * The value of a name, which is in small letters; of several, with commas between (RFC 9110, section 5.3); null if there
   * is none.
   */
  get(name: string): string | null {
    let index = this.find(name);
    if (index < 0) return null;
    let value = this.value(index);
    const separator = name === "cookie" ? "; " : ", ";
    while ((index = this.find(name, index + 1)) >= 0) value += separator + this.value(index);
    return value;
  }

  /** A byte of the head. */
  byte(at: number): number {
    return this.#bytes[this.#offset + at]!;
  }

  /** A text of the head. */
  text(start: number, end: number): string {
    if (start === end) return "";
    return latin1.call(this.#bytes, this.#offset + start, this.#offset + end);
  }

  /** Whether a text of the head is this one, whose characters are ASCII. */
  is(text: string, start: number, end: number): boolean {
    if (end - start !== text.length) return false;
    const bytes = this.#bytes;
    for (let i = 0, at = this.#offset + start; i < text.length; i++, at++) {
      if (bytes[at] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Whether the value of one is this text, whose characters are ASCII. */
  hasValue(index: number, text: string): boolean {
    return this.is(text, this.#spans[4 * index + 2]!, this.#valueEnd(index));
  }

  /** Whether a byte is in a text of the head. */
  includes(byte: number, start: number, end: number): boolean {
    const bytes = this.#bytes;
    const last = this.#offset + end;
    for (let at = this.#offset + start; at < last; at++) if (bytes[at] === byte) return true;
    return false;
  }

  /** Where the value of one ends, without the white space that llhttp leaves behind it. */
  #valueEnd(index: number): number {
    const start = this.#spans[4 * index + 2]!;
    let end = this.#spans[4 * index + 3]!;
    while (end > start && isSpace(this.#bytes[this.#offset + end - 1]!)) end--;
    return end;
  }

  #isNamed(index: number, name: string): boolean {
    const bytes = this.#bytes;
    const start = this.#offset + this.#spans[4 * index]!;
    for (let i = 0; i < name.length; i++) {
      const byte = bytes[start + i]!;
      // Names are tokens; of those only letters have a large one.
      const small = byte >= 65 && byte <= 90 ? byte + 32 : byte;
      if (small !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}

const latin1 = (Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
}).latin1Slice;

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9;
}
