/**
 * What counts of interleaved rounds, A B C A B C: what the machine does to one peer it then does to its neighbours too,
 * and a ratio within a round is worth more than either figure.
 *
 * @module
 */

/** Keeps what is steady; if nothing is, all. */
export function keepSteady<T extends { readonly steady: boolean }>(
  all: readonly T[],
): readonly T[] {
  const kept = all.filter(({ steady }) => steady);
  return kept.length === 0 ? all : kept;
}

/** Says what became of rounds or turns that do not count; nothing, if all do. */
export function remarksOnDropped(what: string, counting: number, made: number): string[] {
  if (counting === made) return [];
  if (counting === 0) {
    return [
      `The calibration moved in EVERY one of the ${what}: these ratios mix phases, run it again`,
    ];
  }
  return [
    `In ${made - counting} of ${made} ${what} the calibration moved, or was of another phase; ` +
    "these were dropped",
  ];
}
