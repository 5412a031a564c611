/**
 * How each subject looks: the same colour and the same mark in every plot, by its name.
 *
 * The colours keep apart for the colour-blind, since families differ in lightness as well, and the marks
 * repeat what the colours say.
 *
 * @module
 */

/** How a subject is drawn. */
export interface SubjectStyle {
  /** Its colour, `#rrggbb`. */
  readonly color: string;
  /** Its mark, a symbol of ECharts. */
  readonly symbol: string;
  /** Whether it is ours, and to be pointed out. */
  readonly ours: boolean;
}

interface Family {
  readonly pattern: RegExp;
  readonly symbol: string;
  readonly ours?: boolean;
  /** The colours of names known by heart; the first that matches counts. */
  readonly known: readonly (readonly [RegExp, string])[];
  /** For further names that would look the same otherwise. */
  readonly spare: readonly string[];
}

/** The first that matches counts: ours may run on libdemikernel, and C too. */
const FAMILIES: readonly Family[] = [
  {
    pattern: /^ours?\b/i,
    symbol: "circle",
    ours: true,
    known: [[/generator/i, "#0b5cad"], [/iterator/i, "#4aa8f0"]],
    spare: ["#08306b", "#17a2c4", "#5b6fd6", "#8fb8e8"],
  },
  {
    pattern: /libdemikernel|upstream/i,
    symbol: "diamond",
    known: [],
    spare: ["#009e73", "#006b4e", "#5cc49f"],
  },
  {
    pattern: /^C\b/,
    symbol: "rect",
    known: [[/epoll spin/i, "#4d4d4d"], [/epoll/i, "#8c8c8c"], [/spin/i, "#111111"]],
    spare: ["#6b6b6b", "#b0b0b0", "#333333"],
  },
  {
    pattern: /redis/i,
    symbol: "diamond",
    known: [[/^redis-server$/i, "#c1121f"]],
    spare: ["#c1121f", "#8b0d16", "#e8636c"],
  },
  {
    pattern: /deno|node|bun/i,
    symbol: "triangle",
    known: [[/deno/i, "#f0a202"], [/node/i, "#a3570f"], [/bun/i, "#e377a8"]],
    spare: ["#d55e00", "#f5c766", "#7a3b00"],
  },
  {
    pattern: /(?:)/,
    symbol: "rect",
    known: [],
    spare: ["#7b4ea3", "#00897b", "#b39ddb", "#9e9d24"],
  },
];

/**
 * Returns the styles of subjects that appear together. A well-known name always has its colour; two names
 * that would have the same one get different ones as long as the family has any left.
 */
export function stylesOf(names: Iterable<string>): Map<string, SubjectStyle> {
  // A plain name goes before those that add to it: "C epoll" before "C epoll, blocking".
  const sorted = [...new Set(names)].toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const taken = new Set<string>();
  const styles = new Map<string, SubjectStyle>();
  for (const name of sorted) {
    const family = FAMILIES.find(({ pattern }) => pattern.test(name))!;
    const known = family.known.find(([pattern]) => pattern.test(name))?.[1];
    const wishes = known === undefined ? family.spare : [known, ...family.spare];
    const color = wishes.find((wish) => !taken.has(wish)) ?? wishes[0]!;
    taken.add(color);
    styles.set(name, { color, symbol: family.symbol, ours: family.ours ?? false });
  }
  return styles;
}
