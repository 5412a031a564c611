/**
 * Patterns as KEYS, SCAN and CONFIG GET take them.
 *
 * @module
 */

const ANY = 42; // *
const ONE = 63; // ?
const OPEN = 91; // [
const CLOSE = 93; // ]
const ESCAPE = 92; // \
const NOT = 94; // ^
const RANGE = 45; // -

/**
 * Whether all of `text` matches `pattern`.
 *
 * `*` stands for any characters, `?` for one, `[abc]`, `[a-z]` and `[^a]` for one of a class, and a backslash
 * takes the next character literally. As in Redis, a class that is not closed ends with the pattern, and the
 * empty text matches no more than the empty pattern and a single `*`.
 *
 * The time is at most the product of the two lengths: only the last `*` is ever tried again, since whatever
 * an earlier one could take, the last one can take as well.
 *
 * @param pattern The pattern.
 * @param text The text to match.
 */
export function matchGlob(pattern: string, text: string): boolean {
  if (text === "") return pattern === "" || pattern === "*";
  let at = 0;
  let from = 0;
  // Where to go back to: behind the last `*`, and the character after those that it has taken.
  let retryAt = -1;
  let retryFrom = 0;
  while (from < text.length) {
    if (at < pattern.length) {
      if (pattern.charCodeAt(at) === ANY) {
        retryAt = ++at;
        retryFrom = from;
        continue;
      }
      const end = elementEnd(pattern, at);
      if (matchElement(pattern, at, end, text.charCodeAt(from))) {
        at = end;
        from++;
        continue;
      }
    }
    if (retryAt < 0) return false;
    at = retryAt;
    from = ++retryFrom;
  }
  while (at < pattern.length && pattern.charCodeAt(at) === ANY) at++;
  return at === pattern.length;
}

/** The index after the element of `pattern` at `at`: a character, an escaped one, `?` or a class. */
function elementEnd(pattern: string, at: number): number {
  const code = pattern.charCodeAt(at);
  if (code === ESCAPE) return Math.min(at + 2, pattern.length);
  if (code !== OPEN) return at + 1;
  let i = at + 1;
  if (pattern.charCodeAt(i) === NOT) i++;
  while (i < pattern.length && pattern.charCodeAt(i) !== CLOSE) i = memberEnd(pattern, i);
  return Math.min(i + 1, pattern.length);
}

/** The index after the member of a class at `at`: a character, an escaped one or a range. */
function memberEnd(pattern: string, at: number): number {
  if (pattern.charCodeAt(at) === ESCAPE && at + 1 < pattern.length) return at + 2;
  return pattern.charCodeAt(at + 1) === RANGE && at + 2 < pattern.length ? at + 3 : at + 1;
}

/** Whether a character matches the element from `at` to `end`, which is not `*`. */
function matchElement(pattern: string, at: number, end: number, code: number): boolean {
  switch (pattern.charCodeAt(at)) {
    case ONE:
      return true;
    case ESCAPE:
      return pattern.charCodeAt(end - 1) === code;
    case OPEN:
      return matchClass(pattern, at + 1, code);
    default:
      return pattern.charCodeAt(at) === code;
  }
}

/** Whether a character is in the class whose members start at `at`. */
function matchClass(pattern: string, at: number, code: number): boolean {
  const negated = pattern.charCodeAt(at) === NOT;
  let found = false;
  for (let i = negated ? at + 1 : at; i < pattern.length && pattern.charCodeAt(i) !== CLOSE;) {
    const end = memberEnd(pattern, i);
    const last = pattern.charCodeAt(end - 1);
    const first = end - i === 3 ? pattern.charCodeAt(i) : last;
    // A range may be written either way round.
    if (code >= Math.min(first, last) && code <= Math.max(first, last)) found = true;
    i = end;
  }
  return found !== negated;
}
