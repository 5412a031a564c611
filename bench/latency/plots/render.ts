/**
 * From options of ECharts to an SVG: what all plots share.
 *
 * @module
 */
import * as echarts from "npm:echarts@6.1.0";
import type { EChartsOption } from "npm:echarts@6.1.0";

/** The colours of all that is not data. */
export const INK = {
  text: "#3d444d",
  faint: "#636c76",
  title: "#1f2328",
  axis: "#848d97",
  grid: "#e4e7eb",
  card: "#ffffff",
  border: "#d1d9e0",
} as const;

/** The width of every plot, in pixels: that of a page on GitHub. */
export const WIDTH = 880;
/** Where the plots proper begin below title and subtitle, in pixels. */
export const HEAD = 88;
/** Room for the widest letters of the usual sans-serif fonts of 12 pixels, in pixels per character. */
export const CHARACTER = 7.5;

const MARGIN = 24;

/** What stands around a plot. */
export interface Frame {
  /** The heading. */
  readonly title: string;
  /** Lines below it, two at most; empty ones are left out. */
  readonly subtitle: readonly string[];
  /** The height of the whole, in pixels. */
  readonly height: number;
  /** What a browser shows over each datum of the first series, by its index. @default {[]} */
  readonly tooltips?: readonly string[];
}

/**
 * Draws a plot on a white card, which is readable on dark pages too. The same options give the same bytes.
 *
 * @returns The text of an SVG file.
 */
export function renderSvg(frame: Frame, option: EChartsOption): string {
  const { height, tooltips = [] } = frame;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  // A file does not move, but ECharts would start a clock all the same, which outlives the chart.
  chart.getZr().animation.start = () => {};
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: "sans-serif", fontSize: 12 },
      title: heading(frame),
      graphic: {
        type: "rect",
        silent: true,
        z: -10,
        shape: { x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, r: 8 },
        style: { fill: INK.card, stroke: INK.border, lineWidth: 1 },
      },
      ...option,
    });
    return finish(chart.renderToSVGString(), frame.title, tooltips);
  } finally {
    chart.dispose();
  }
}

/** Returns `text`, or its beginning and an ellipsis where it is longer than `length` characters. */
export function cut(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  return characters.slice(0, Math.max(length - 1, 0)).join("").trimEnd() + "…";
}

function heading({ title, subtitle }: Frame): EChartsOption["title"] {
  const room = WIDTH - 2 * MARGIN;
  return {
    left: MARGIN - 5,
    top: 12,
    itemGap: 6,
    text: cut(title, room / 9),
    textStyle: { fontSize: 16, fontWeight: "bold", color: INK.title },
    subtext: subtitle.filter(Boolean).map((line) => cut(line, room / 6.4)).join("\n"),
    subtextStyle: { fontSize: 12, lineHeight: 16, color: INK.faint },
  };
}

/**
 * Takes out what ECharts adds for pages with scripts: its classes are numbered through the life of the
 * process, so that the same plot would differ from one time to the next, and mean nothing in a file.
 * Quotes within texts are escaped, so that none of the patterns can match there.
 */
function finish(svg: string, title: string, tooltips: readonly string[]): string {
  return svg
    .replace(/<style >.*?<\/style>\n?/s, "")
    .replace(
      /( ecmeta_series_index="0" ecmeta_data_index="(\d+)"[^>]*>)/g,
      (whole, _, index) => {
        const tooltip = tooltips[Number(index)];
        return tooltip === undefined ? whole : `${whole}<title>${escape(tooltip)}</title>`;
      },
    )
    .replaceAll(/ (?:class="zr[^"]*"|ecmeta_\w+="[^"]*"|pointer-events="visible")/g, "")
    .replaceAll(/zr\d+-/g, "")
    // Not all viewers know of baselines; this is the same for the usual fonts.
    .replaceAll(' dominant-baseline="central"', ' dy="0.35em"')
    .replace(
      /<svg ([^>]*)>/,
      (_, attributes) => `<svg ${attributes} role="img">\n<title>${escape(title)}</title>`,
    )
    // What XML has no way to write, not even escaped.
    .replaceAll(/[^\P{Cc}\n\t]/gu, "")
    .toWellFormed()
    .trimEnd() + "\n";
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
