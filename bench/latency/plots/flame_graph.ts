/**
 * Flame graphs: where time goes, by who called whom.
 *
 * @module
 */
import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemReturn } from "npm:echarts@6.1.0";
import { BenchmarkError } from "../../_harness/command_line.ts";
import { figure } from "./measures.ts";
import { CHARACTER, cut, HEAD, INK, renderSvg } from "./render.ts";

/** A function, and those that it called. */
export interface Frame {
  /** Its name. */
  readonly name: string;
  /** What was spent in it and in all that it called. */
  readonly value: number;
  /** What it called. What they do not account for was spent in itself. */
  readonly children: readonly Frame[];
}

/** What stands around a flame graph. */
export interface FlameGraphOptions {
  /** The heading. */
  readonly title: string;
  /** The unit of the values: `ns`, `samples` … */
  readonly unit: string;
}

/** A frame with its place: shares of the width, and levels from the root. */
interface PlacedFrame {
  readonly frame: Frame;
  readonly from: number;
  readonly to: number;
  readonly depth: number;
}

const ROW = 21;
/** More than this many would be thinner than a pixel, and the file too large to keep with a document. */
const MOST_FRAMES = 180;
const SHORTEST_LABEL = 3;
/** Warm, as usual, and light enough for black text. */
const COLORS = [
  "#f6c667",
  "#f4a259",
  "#f7b487",
  "#ffd98e",
  "#ef9a6d",
  "#f9c9a1",
  "#f2b84b",
  "#fbe0a6",
];

/**
 * Draws a flame graph: the root at the bottom and over each function those that it called, from the left
 * in the order of their value, as wide as what was spent in them. The smallest ones are left out where
 * there are too many. Where a browser shows the file by itself, it tells the name and the value of what
 * the mouse is on.
 *
 * @throws {BenchmarkError} If the value of the root is not above zero.
 */
export function flameGraph(root: Frame, { title, unit }: FlameGraphOptions): string {
  if (!(root.value > 0)) {
    throw new BenchmarkError(
      `Cannot draw the flame graph of ${root.name}: nothing was spent in it, profile for longer`,
    );
  }
  // A function is never more than who called it, so that the largest ones hang together.
  const all = [...place(root, 0, 1, 0)];
  const placed = all.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST_FRAMES);
  const depth = Math.max(...placed.map(({ depth }) => depth)) + 1;
  const describe = ({ frame: { name, value } }: PlacedFrame) =>
    `${name}: ${figure(value)} ${unit}, ${figure(100 * value / root.value)} %`;
  const left = all.length - placed.length;
  const frame = {
    title,
    subtitle: [
      `${describe(placed[0]!).replace(/, 100 %$/, "")}; the width is the share of it` +
      (left === 0 ? "" : `; the ${left} smallest frames are left out`),
    ],
    height: HEAD + depth * ROW,
    tooltips: placed.map(describe),
  };
  return renderSvg(frame, {
    grid: { left: 24, right: 24, top: HEAD - 20, bottom: 20, outerBoundsMode: "none" },
    xAxis: { type: "value", min: 0, max: 1, show: false },
    yAxis: { type: "value", min: 0, max: depth, show: false },
    series: [{
      type: "custom",
      data: placed.map(({ from, depth }) => [from, depth]),
      renderItem: ({ dataIndex }, api) => draw(placed[dataIndex]!, root.value, api),
    }],
  });
}

function* place(frame: Frame, from: number, to: number, depth: number): Generator<PlacedFrame> {
  yield { frame, from, to, depth };
  const share = (to - from) / frame.value;
  let next = from;
  for (const child of frame.children.toSorted((a, b) => b.value - a.value)) {
    if (child.value <= 0) continue;
    yield* place(child, next, next += share * child.value, depth + 1);
  }
}

function draw(
  { frame, from, to, depth }: PlacedFrame,
  total: number,
  api: CustomSeriesRenderItemAPI,
): CustomSeriesRenderItemReturn {
  const [x, y] = api.coord([from, depth + 1]) as [number, number];
  const width = (api.coord([to, depth]) as number[])[0]! - x;
  const room = Math.floor((width - 8) / CHARACTER);
  const share = ` ${figure(100 * frame.value / total)} %`;
  const whole = frame.name + share;
  const label = whole.length <= room ? whole : cut(frame.name, room);
  return {
    type: "rect",
    // A pixel between neighbours, unless there is no more than that.
    shape: { x, y: y + 1, width: Math.max(width - 1, 0.5), height: ROW - 1, r: 2 },
    style: { fill: colorOf(frame.name) },
    ...(room < SHORTEST_LABEL ? {} : {
      textContent: { type: "text", style: { text: label, fill: INK.title, fontSize: 12 } },
      textConfig: { position: "insideLeft", distance: 4 },
    }),
  };
}

/** The same function has the same colour wherever it is called, and in every graph. */
function colorOf(name: string): string {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  return COLORS[hash % COLORS.length]!;
}
