/**
 * From a profile to the tree that a flame graph shows.
 *
 * @module
 */
import type { Frame } from "../latency/plots/flame_graph.ts";
import { categoryOf, labelOf } from "./categories.ts";
import { countSamples, type CpuProfile, type ProfileNode } from "./cpu_profile.ts";

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
  const byName = Map.groupBy(called, ({ callFrame }) => frameName(callFrame));
  const children = [...byName].map(([name, group]) => merge(name, group, nodes, scale));
  const own = same.reduce((sum, { hitCount }) => sum + hitCount, 0) * scale;
  return { name, value: children.reduce((sum, { value }) => sum + value, own), children };
}

function frameName(frame: ProfileNode["callFrame"]): string {
  return `${labelOf(frame)} [${categoryOf(frame)}]`;
}
