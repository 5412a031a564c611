/**
 * From samples to the nanoseconds of a request: by category, by function, and as the tree that a flame graph shows.
 *
 * A function's own time is the share of the samples that found it running rather than one that it called, times
 * what a request takes. Functions that V8 inlined count as themselves, since it finds them by the position in
 * the machine code; and what the kernel did for a foreign call counts as that call, like what interrupted it.
 * So `perf`, which sees the kernel by itself, finds some percent less there, and as much more in V8 and Deno.
 *
 * @module
 */
import type { Frame } from "../latency/plots/flame_graph.ts";
import { CATEGORIES, type Category, categoryOf, labelOf } from "./categories.ts";
import { countSamples, type CpuProfile, type ProfileNode } from "./cpu_profile.ts";

/** A part of a request's time. */
export interface Part {
  /** Nanoseconds of a request. */
  readonly ns: number;
  /** The same as a share of the whole, 0 to 1. */
  readonly share: number;
}

/** The part of a category. */
export interface CategoryPart extends Part {
  /** The category. */
  readonly category: Category;
}

/** The part of a function's own time. */
export interface FunctionPart extends CategoryPart {
  /** Its name, and where it is. */
  readonly name: string;
}

/** Where the time of a request goes. */
export interface Attribution {
  /** All categories, those without a sample too, in their order. */
  readonly categories: readonly CategoryPart[];
  /** All functions that a sample found running, the most expensive one first. */
  readonly functions: readonly FunctionPart[];
}

/** Returns where the time of a request goes that takes `nsPerRequest`; the parts sum up to that. */
export function attribute(profile: CpuProfile, nsPerRequest: number): Attribution {
  const samples = countSamples(profile);
  const part = (hits: number): Part => ({
    ns: hits * nsPerRequest / samples,
    share: hits / samples,
  });
  const categories = new Map<Category, number>();
  const functions = new Map<string, { category: Category; hits: number }>();
  for (const { callFrame, hitCount } of profile.nodes) {
    if (hitCount === 0) continue;
    const category = categoryOf(callFrame);
    categories.set(category, (categories.get(category) ?? 0) + hitCount);
    const name = labelOf(callFrame);
    const known = functions.get(name);
    if (known === undefined) functions.set(name, { category, hits: hitCount });
    else known.hits += hitCount;
  }
  return {
    categories: (Object.keys(CATEGORIES) as Category[]).map((category) => ({
      category,
      ...part(categories.get(category) ?? 0),
    })),
    functions: [...functions]
      .map(([name, { category, hits }]) => ({ name, category, ...part(hits) }))
      .toSorted((a, b) => b.ns - a.ns),
  };
}

/**
 * Returns the calls of a profile as a tree, in nanoseconds of a request that takes `nsPerRequest`. Calls of the
 * same function from the same one, which V8 may tell apart, are one frame.
 */
export function flameTree(profile: CpuProfile, nsPerRequest: number): Frame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const scale = nsPerRequest / countSamples(profile);
  const [root] = profile.nodes;
  return merge("request", [root!], nodes, scale);
}

function merge(
  name: string,
  same: readonly ProfileNode[],
  nodes: ReadonlyMap<number, ProfileNode>,
  scale: number,
): Frame {
  const called = same.flatMap(({ children = [] }) => children.map((id) => nodes.get(id)!));
  const byName = Map.groupBy(
    called,
    ({ callFrame }) => `${labelOf(callFrame)} [${categoryOf(callFrame)}]`,
  );
  const children = [...byName].map(([name, group]) => merge(name, group, nodes, scale));
  const own = same.reduce((sum, { hitCount }) => sum + hitCount, 0) * scale;
  return { name, value: children.reduce((sum, { value }) => sum + value, own), children };
}
