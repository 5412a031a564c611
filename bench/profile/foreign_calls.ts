/**
 * Giving foreign calls their names in a profile.
 *
 * V8 knows the functions that `Deno.dlopen` makes, whether called fast or slowly: each call is a node of its own
 * below the function that made it, native code without a name. Which one it was is in the line of the caller.
 *
 * @module
 */
import { SYMBOLS as DEMIKERNEL } from "../../ffi/demikernel/symbols.ts";
import { SYMBOLS as LIBC } from "../../ffi/libc/symbols.ts";
import type { CallFrame, CpuProfile, PositionTick } from "./cpu_profile.ts";

/** What the frames of foreign calls have for the address of a script. */
export const FOREIGN = "ffi:";

/** Gives a line, counted from 1, of a script; `undefined` if there is none. */
export type ReadLine = (url: string, line: number) => string | undefined;

/** How many lines of a statement are looked at. */
const STATEMENT = 4;
/** Names that are called. */
const CALLED = /[A-Za-z_]\w*(?=(\?\.)?\()/g;
const NAMES = new Set([...Object.keys(LIBC), ...Object.keys(DEMIKERNEL)]);

/**
 * Returns the profile with the names of foreign calls. Where a function makes several, all that it makes go by
 * the name of the one that was found most often.
 */
export function nameForeignCalls(profile: CpuProfile, readLine: ReadLine): CpuProfile {
  const callers = new Map(
    profile.nodes.flatMap(({ callFrame, children = [] }) =>
      children.map((child) => [child, callFrame.url] as const)
    ),
  );
  const nodes = profile.nodes.map((node) => {
    if (!isNameless(node.callFrame)) return node;
    const name = findName(callers.get(node.id) ?? "", node.positionTicks ?? [], readLine);
    if (name === undefined) return node;
    return { ...node, callFrame: { ...node.callFrame, functionName: name, url: FOREIGN } };
  });
  return { ...profile, nodes };
}

function isNameless({ functionName, url }: CallFrame): boolean {
  return functionName === "" && url === "";
}

function findName(
  caller: string,
  ticks: readonly PositionTick[],
  readLine: ReadLine,
): string | undefined {
  for (const { line } of ticks.toSorted((a, b) => b.ticks - a.ticks)) {
    // The position may be the beginning of a statement of several lines.
    for (let offset = 0; offset < STATEMENT; offset++) {
      const words = readLine(caller, line + offset)?.matchAll(CALLED) ?? [];
      for (const [word] of words) if (NAMES.has(word)) return word;
    }
  }
  return undefined;
}

/** Reads lines of scripts from files, each file once. */
export function lineReader(): ReadLine {
  const files = new Map<string, readonly string[]>();
  return (url, line) => {
    if (!url.startsWith("file:")) return undefined;
    let lines = files.get(url);
    if (lines === undefined) {
      lines = Deno.readTextFileSync(new URL(url)).split("\n");
      files.set(url, lines);
    }
    return lines[line - 1];
  };
}
