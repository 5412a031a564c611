/**
 * Requests that a person types: one line, words apart by spaces, quotes where a word has some.
 *
 * @module
 */

const SPACES = " \t\n\v\f\r";
/** These end a word that is not quoted; `\v` and `\f` only separate words, as in Redis. */
const WORD_ENDS = " \t\n\r";
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

/**
 * Splits a line into words.
 *
 * Between double quotes `\n \r \t \b \a \xff` and a backslash before anything else are escapes; between
 * single quotes only `\'` is. A closing quote must end its word.
 *
 * @param line The line, without its end.
 * @returns The words, or `undefined` if the quotes are not balanced.
 */
export function splitInline(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  while (true) {
    while (at < line.length && SPACES.includes(line[at]!)) at++;
    if (at === line.length) return words;
    let word = "";
    while (at < line.length && !WORD_ENDS.includes(line[at]!)) {
      const quote = line[at];
      if (quote !== '"' && quote !== "'") {
        word += line[at++];
        continue;
      }
      const quoted = readQuoted(line, at);
      if (quoted === undefined) return undefined;
      word += quoted.text;
      at = quoted.end;
      break;
    }
    words.push(word);
  }
}

/** The text between the quote at `start` and its partner, and the index after that. */
function readQuoted(line: string, start: number): { text: string; end: number } | undefined {
  const quote = line[start]!;
  let text = "";
  for (let at = start + 1; at < line.length;) {
    const character = line[at]!;
    if (character === quote) {
      const end = at + 1;
      return end === line.length || SPACES.includes(line[end]!) ? { text, end } : undefined;
    }
    const next = line[at + 1];
    if (character !== "\\" || next === undefined || (quote === "'" && next !== "'")) {
      text += character;
      at++;
    } else if (quote === '"' && /^\\x[0-9a-fA-F]{2}/.test(line.slice(at, at + 4))) {
      text += String.fromCharCode(parseInt(line.slice(at + 2, at + 4), 16));
      at += 4;
    } else {
      text += quote === '"' ? ESCAPES[next] ?? next : next;
      at += 2;
    }
  }
  return undefined;
}
