/**
 * Reading a text from its beginning to its end, with the place of whatever is wrong.
 *
 * @module
 */

import { type Place, ScriptError } from "./syntax.ts";

/** See the module's description. */
export class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** How much was read, in characters. */
  get at(): number {
    return this.#at;
  }

  /** Where what comes next stands. */
  get place(): Place {
    this.skip();
    return this.placeOf(this.#at);
  }

  /** The place of a character. */
  placeOf(at: number): Place {
    const before = this.#text.slice(0, at).split("\n");
    return { line: before.length, column: before.at(-1)!.length + 1 };
  }

  /** What was read from a character on, on one line. */
  since(at: number): string {
    return this.#text.slice(at, this.#at).replaceAll(/\/\/[^\n]*/g, "").replaceAll(/\s+/g, " ")
      .trim();
  }

  /** Skips blanks, ends of lines and comments; says whether something is left. */
  skip(): boolean {
    this.#match(/(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/y);
    return this.#at < this.#text.length;
  }

  /** Skips blanks of the line. */
  blank(): void {
    this.#match(/[ \t]*/y);
  }

  /** Whether the text goes on so; nothing is read. */
  sees(pattern: RegExp): boolean {
    this.skip();
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text);
  }

  /** Reads what matches, after blanks; null if nothing does. The pattern is sticky. */
  match(pattern: RegExp): RegExpExecArray | null {
    this.skip();
    return this.#match(pattern);
  }

  /** Reads a text, if it comes next. */
  take(text: string): boolean {
    this.skip();
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Reads a text that has to come next. */
  expect(text: string): void {
    if (!this.take(text)) this.fail(`${text} is missing before ${this.#next()}`);
  }

  /** Reads what has to match. */
  need(pattern: RegExp, what: string): RegExpExecArray {
    return this.match(pattern) ?? this.fail(`${what} is missing before ${this.#next()}`);
  }

  /** Reads up to a text, and that; it has to be there. */
  until(text: string): string {
    const end = this.#text.indexOf(text, this.#at);
    if (end < 0) this.fail(`${text} is missing`);
    const between = this.#text.slice(this.#at, end);
    this.#at = end + text.length;
    return between;
  }

  /** Something is wrong here. */
  fail(message: string, place: Place = this.place): never {
    throw new ScriptError(place, message);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #next(): string {
    const rest = this.#text.slice(this.#at, this.#at + 20).split("\n")[0]!;
    return rest === "" ? "the end of the line" : `"${rest}"`;
  }
}
