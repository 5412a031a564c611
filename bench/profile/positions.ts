/**
 * From positions in the code that V8 was given to positions in the TypeScript that it was made of.
 *
 * @module
 */
import type { CallFrame, CpuProfile, PositionTick, ProfileNode } from "./cpu_profile.ts";

/** A source map, as `node:module` has it; lines and columns count from 0. */
export interface Positions {
  /** Finds the origin of a place. */
  findEntry(line: number, column: number): Partial<Origin>;
}

/** A place in the original. */
export interface Origin {
  /** Its line. */
  readonly originalLine: number;
  /** Its column. */
  readonly originalColumn: number;
}

/** A line without any origin further to the right has none. */
const WIDTH = 200;

/** Returns the profile with the positions of all scripts from files that `find` gives a map for. */
export function mapPositions(
  profile: CpuProfile,
  find: (url: string) => Positions | undefined,
): CpuProfile {
  const maps = new Map<string, Positions | undefined>();
  const mapOf = (url: string) => {
    if (!url.startsWith("file:")) return undefined;
    if (!maps.has(url)) maps.set(url, find(url));
    return maps.get(url);
  };
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)),
  );
  const nodes = profile.nodes.map((node): ProfileNode => {
    // Native code has no lines; those of its ticks are where it was called.
    const ticked = node.callFrame.url === ""
      ? parents.get(node.id)?.callFrame.url ?? ""
      : node.callFrame.url;
    const ticks = node.positionTicks;
    return {
      ...node,
      callFrame: mapFrame(node.callFrame, mapOf(node.callFrame.url)),
      ...(ticks && { positionTicks: mapTicks(ticks, mapOf(ticked)) }),
    };
  });
  return { ...profile, nodes };
}

function mapFrame(frame: CallFrame, map: Positions | undefined): CallFrame {
  const { originalLine, originalColumn } = map?.findEntry(frame.lineNumber, frame.columnNumber) ??
    {};
  if (originalLine === undefined || originalColumn === undefined) return frame;
  return { ...frame, lineNumber: originalLine, columnNumber: originalColumn };
}

function mapTicks(ticks: readonly PositionTick[], map: Positions | undefined): PositionTick[] {
  return ticks.map(({ line, ticks }) => ({ line: mapLine(line, map), ticks }));
}

/** V8 tells only the line of a tick; what comes first in it stands for all. */
function mapLine(line: number, map: Positions | undefined): number {
  if (map === undefined) return line;
  for (let column = 0; column < WIDTH; column++) {
    const { originalLine } = map.findEntry(line - 1, column);
    if (originalLine !== undefined) return originalLine + 1;
  }
  return line;
}
