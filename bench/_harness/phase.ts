/**
 * Phases of the machine, told apart by readings of the calibration: figures of different ones cannot be compared.
 *
 * @module
 */
import type { Reading } from "./calibration.ts";
import { quantile } from "./statistics.ts";

/**
 * What tells two phases apart: `coarse` is where the cores are, near or far, which is a factor of two and more; `fine`
 * is also how fast they are just now, of which there are steps of some 10 %.
 */
export type Sensitivity = "fine" | "coarse";

/** Readings of one phase are within these factors. */
const WITHIN = { cacheLine: 2, loopback: 1.06 };

/** Whether readings are of one phase. */
export function isOnePhase(readings: readonly Reading[], sensitivity: Sensitivity): boolean {
  const areClose = (kind: keyof Reading) => {
    const known = readings.flatMap((reading) => reading[kind] ?? []);
    return known.length === 0 || Math.max(...known) < WITHIN[kind] * Math.min(...known);
  };
  return areClose("cacheLine") && (sensitivity === "coarse" || areClose("loopback"));
}

/**
 * A phase, by the lowest reading that is of it. A kind of reading that it does not have tells nothing: nobody could make
 * one, or the phases are coarse.
 */
export type Phase = Reading;

/** The readings that tell phases apart, in the order in which a phase is chosen by them. */
const KINDS = { fine: ["loopback", "cacheLine"], coarse: ["cacheLine"] } as const;

/** The fastest phase counts if this share of the levels is of it: slower ones are mixtures, which no two runs share. */
const SHARE = 0.05;

/**
 * The phase that counts, of each of some groups of levels; none if a group has nothing of it. Where phases are fine, it is
 * that in which the machine is fastest, since the host leaves it alone then, if a twentieth of each group is of it.
 * Otherwise, and for the distance of the cores, it is that of which most levels are in the group that has fewest of
 * them. What is `undefined` is of no phase.
 */
export function commonPhase(
  groups: readonly (readonly (Reading | undefined)[])[],
  sensitivity: Sensitivity,
): Phase | undefined {
  let phase: Phase = {};
  for (const kind of KINDS[sensitivity]) {
    const known = groups.map((group) =>
      group.filter((level) => isOf(level, phase)).flatMap((level) => level![kind] ?? [])
        .toSorted((a, b) => a - b)
    );
    if (known.every((values) => values.length === 0)) continue;
    const counts = (floor: number) =>
      known.map((values) => rank(values, WITHIN[kind] * floor) - rank(values, floor));
    let floors = [...new Set(known.flat())].toSorted((a, b) => a - b);
    const fastest = kind === "cacheLine"
      ? undefined
      : floors.find((floor) =>
        counts(floor).every((count, group) => count >= SHARE * known[group]!.length)
      );
    if (fastest !== undefined) {
      // What is even lower by chance is left behind; but above the middle, another phase would begin to be in reach.
      const own = known.flat().filter((ns) => isWithin(ns, fastest, kind));
      const middle = quantile(own, 0.5);
      floors = floors.filter((floor) => fastest <= floor && floor <= middle);
    }
    const least = floors.map((floor) => Math.min(...counts(floor)));
    const most = Math.max(...least);
    if (most === 0) return undefined;
    phase = { ...phase, [kind]: floors[least.indexOf(most)] };
  }
  return groups.every((group) => group.some((level) => isOf(level, phase))) ? phase : undefined;
}

/** How many of the values, which ascend, are lower than a limit. */
function rank(values: readonly number[], limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Whether a level is of a phase. A single reading scatters, and may be by a share of itself lower than all levels are.
 */
export function isOf(level: Reading | undefined, phase: Phase, scatter = 0): boolean {
  if (level === undefined) return false;
  return KINDS.fine.every((kind) => {
    const floor = phase[kind];
    const ns = level[kind] ?? NaN;
    return floor === undefined || (ns >= (1 - scatter) * floor && ns < WITHIN[kind] * floor);
  });
}

function isWithin(ns: number, floor: number, kind: keyof Reading): boolean {
  return ns >= floor && ns < WITHIN[kind] * floor;
}

/** The medians of some readings. */
export function levelOf(readings: readonly Reading[]): Reading {
  const middle = (kind: keyof Reading) => {
    const known = readings.flatMap((reading) => reading[kind] ?? []);
    return known.length === 0 ? {} : { [kind]: quantile(known, 0.5) };
  };
  return { ...middle("cacheLine"), ...middle("loopback") };
}

/** The medians of some readings, if they are of one phase. */
export function levelOfOnePhase(
  readings: readonly Reading[],
  sensitivity: Sensitivity,
): Reading | undefined {
  return isOnePhase(readings, sensitivity) ? levelOf(readings) : undefined;
}
