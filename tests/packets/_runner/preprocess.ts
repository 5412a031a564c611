/**
 * What happens to a script before it is read: `#ifdef`, and names that stand for something else.
 *
 * @module
 */

import { ScriptError } from "./syntax.ts";

/** Leaves out what is not to be read, line by line, so that places stay where they are, and puts definitions in. */
export function preprocess(source: string, definitions: ReadonlyMap<string, string>): string {
  /** For each condition that is open: whether its lines are read, and whether `#else` came. */
  const open: { reads: boolean; else: boolean; line: number }[] = [];
  const lines = source.replaceAll("\r\n", "\n").split("\n").map((text, i) => {
    const place = { line: i + 1, column: 1 };
    const directive = /^\s*#\s*(ifdef|ifndef|else|endif)\b\s*([A-Za-z_0-9]*)/.exec(text);
    if (directive !== null) {
      const [, what, name] = directive;
      const last = open.at(-1);
      switch (what) {
        case "ifdef":
        case "ifndef":
          if (name === "") throw new ScriptError(place, `#${what} needs a name`);
          open.push({
            reads: definitions.has(name!) === (what === "ifdef"),
            else: false,
            line: i + 1,
          });
          return "";
        case "else":
          if (last === undefined || last.else) throw new ScriptError(place, "#else without #ifdef");
          last.reads = !last.reads;
          last.else = true;
          return "";
        case "endif":
          if (open.pop() === undefined) throw new ScriptError(place, "#endif without #ifdef");
          return "";
      }
    }
    return open.every(({ reads }) => reads) ? text : "";
  });
  const unfinished = open.pop();
  if (unfinished !== undefined) {
    throw new ScriptError({ line: unfinished.line, column: 1 }, "#endif is missing");
  }
  let text = lines.join("\n");
  for (const [name, value] of definitions) {
    if (value !== "") text = text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), value);
  }
  return text;
}
