/**
 * The part of YAML that configuration files are written in: blocks of keys or items by indentation, and on one line
 * scalars, lists and maps. What else YAML has is refused: anchors, tags, folded text, several documents.
 *
 * @module
 */

/** A value of a document. */
export type Yaml = null | boolean | number | string | readonly Yaml[] | YamlMap;

/** Keys with values. */
export interface YamlMap {
  readonly [key: string]: Yaml;
}

/** A document is not understood. The message tells the line. */
export class YamlError extends Error {
  override readonly name = "YamlError";
}

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

/** So deep may lists and maps be nested: upstream's reader recurses, without a limit. */
const DEEPEST = 16;
/** What a plain scalar may begin with, and consist of. */
const PLAIN = /^(?:[^\s\-?:,[\]{}#&*!|>'"%@`]|[-:?](?=[^\s,[\]{}]))\P{Control}*$/u;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/y;
const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^"'].*?) *:(?: +(.*))?$/;
const COMMENT =
  /^((?:[^"'#]|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?<=[^\s])[#'"])*?)(?:(?<=^|\s)#.*)?$/;
const INTEGER = /^(?:[-+]?\d+|0x[\da-f]+|0o[0-7]+)$/i;
const REAL = /^[-+]?(?:\d+\.\d*|\.\d+|\d+(?=e))(?:e[-+]?\d+)?$/i;

/** Reads a document. Throws {@linkcode YamlError}. */
export function parseYaml(text: string): Yaml {
  const lines = text.split(/\r?\n/).map(readLine).filter(({ text }) => text !== "");
  if (lines[0]?.text === "---") lines.shift();
  return new Blocks(lines).document();
}

function refuse(line: Line): YamlError {
  return new YamlError(`line ${line.number} is not understood: ${line.text}`);
}

function readLine(raw: string, index: number): Line {
  const text = (COMMENT.exec(raw)?.[1] ?? raw).trimEnd();
  const indent = text.search(/[^ ]|$/);
  return { number: index + 1, indent, text: text.slice(indent) };
}

/** Blocks by indentation. */
class Blocks {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  document(): Yaml {
    if (this.#lines.length === 0) throw new YamlError("nothing is in it");
    const value = this.#block(0, 0);
    if (this.#next !== undefined) throw refuse(this.#next);
    return value;
  }

  get #next(): Line | undefined {
    return this.#lines[this.#at];
  }

  #block(indent: number, depth: number): Yaml {
    const first = this.#next!;
    if (first.indent !== indent || depth > DEEPEST) throw refuse(first);
    return isItem(first) ? this.#items(indent) : this.#keys(indent, depth);
  }

  #items(indent: number): Yaml[] {
    const items: Yaml[] = [];
    for (let line = this.#next; line?.indent === indent && isItem(line); line = this.#next) {
      this.#at++;
      items.push(new Flow(line, line.text.slice(1).trimStart()).whole());
    }
    return items;
  }

  #keys(indent: number, depth: number): YamlMap {
    const entries = new Map<string, Yaml>();
    for (let line = this.#next; line?.indent === indent; line = this.#next) {
      const [, key, rest] = KEY.exec(line.text) ?? [];
      if (key === undefined) throw refuse(line);
      const name = String(new Flow(line, key).whole());
      if (entries.has(name)) throw refuse(line);
      this.#at++;
      entries.set(name, rest ? new Flow(line, rest).whole() : this.#below(indent, depth));
    }
    return Object.fromEntries(entries);
  }

  /** The value of a key that has none on its line. */
  #below(indent: number, depth: number): Yaml {
    const line = this.#next;
    const inside = line !== undefined &&
      (line.indent > indent || (line.indent === indent && isItem(line)));
    return inside ? this.#block(line.indent, depth + 1) : null;
  }
}

function isItem({ text }: Line): boolean {
  return text === "-" || text.startsWith("- ");
}

/** A value on one line. */
class Flow {
  readonly #line: Line;
  readonly #text: string;
  #at = 0;

  constructor(line: Line, text: string) {
    this.#line = line;
    this.#text = text;
  }

  whole(): Yaml {
    const value = /^["'[{]/.test(this.#text) ? this.#value(0) : this.#plain(this.#text);
    if (this.#at < this.#text.length && /^["'[{]/.test(this.#text)) throw refuse(this.#line);
    return value;
  }

  #value(depth: number): Yaml {
    if (depth > DEEPEST) throw refuse(this.#line);
    if (this.#take("[")) return this.#list(depth);
    if (this.#take("{")) return this.#map(depth);
    return this.#scalar();
  }

  #list(depth: number): Yaml[] {
    const items: Yaml[] = [];
    while (!this.#take("]")) {
      items.push(this.#value(depth + 1));
      this.#separate("]");
    }
    return items;
  }

  #map(depth: number): YamlMap {
    const entries = new Map<string, Yaml>();
    while (!this.#take("}")) {
      const key = String(this.#scalar());
      if (entries.has(key)) throw refuse(this.#line);
      entries.set(key, this.#take(":") ? this.#value(depth + 1) : null);
      this.#separate("}");
    }
    return Object.fromEntries(entries);
  }

  #scalar(): Yaml {
    QUOTED.lastIndex = this.#at;
    const quoted = QUOTED.exec(this.#text)?.[0];
    if (quoted !== undefined) {
      this.#at += quoted.length;
      this.#skip();
      return this.#unquote(quoted);
    }
    const rest = this.#text.slice(this.#at);
    const length = rest.search(/[,[\]{}]|:(?=\s)|$/);
    this.#at += length;
    return this.#plain(rest.slice(0, length).trim());
  }

  #unquote(quoted: string): string {
    if (quoted.startsWith("'")) return quoted.slice(1, -1).replaceAll("''", "'");
    try {
      return JSON.parse(quoted);
    } catch {
      throw refuse(this.#line);
    }
  }

  #plain(text: string): Yaml {
    if (text === "~" || text === "null") return null;
    if (!PLAIN.test(text) || /:(?:\s|$)/.test(text)) throw refuse(this.#line);
    if (text === "true" || text === "false") return text === "true";
    return INTEGER.test(text) || REAL.test(text) ? Number(text) : text;
  }

  #separate(end: string): void {
    if (!this.#take(",") && this.#text[this.#at] !== end) throw refuse(this.#line);
  }

  #take(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    this.#skip();
    return true;
  }

  #skip(): void {
    while (this.#text[this.#at] === " ") this.#at++;
  }
}
