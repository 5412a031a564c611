/**
 * The results as text for a terminal.
 *
 * @module
 */
import { describeCalibration } from "../_harness/calibration.ts";
import { quantile } from "../_harness/statistics.ts";
import { microseconds, table } from "../_harness/table.ts";
import {
  bandwidth,
  cpuPerOperation,
  type Figure,
  keepSteady,
  latency,
  throughput,
} from "./samples.ts";
import type { Experiment, RatioResult, Run, Sample } from "./schema.ts";

/** A column of figures: how it is called, taken and written. */
interface Column {
  /** Its head. */
  readonly head: string;
  /** The figure of a round. */
  readonly figure: Figure;
  /** How it is written. */
  readonly write: (value: number) => string;
  /**
   * What is shown of the rounds: their median; or the sum, or the worst, of what should not happen, and which a
   * median would hide. Such a column is there if it did happen.
   *
   * @default {"median"}
   */
  readonly of?: "median" | "sum" | "worst";
}

/** Every column there is; a table has those that have figures. */
const COLUMNS: readonly Column[] = [
  { head: "p50 us", figure: latency("p50"), write: microseconds },
  { head: "p90 us", figure: latency("p90"), write: microseconds },
  { head: "p99 us", figure: latency("p99"), write: microseconds },
  { head: "p99.9 us", figure: latency("p999"), write: microseconds },
  { head: "1000/s", figure: throughput, write: inUnits(1e3, 1) },
  { head: "MB/s", figure: bandwidth, write: inUnits(1e6, 0) },
  { head: "CPU ms/s", figure: ({ server }) => server?.cpu, write: inUnits(1, 0) },
  { head: "CPU us each", figure: cpuPerOperation, write: microseconds },
  { head: "lost", figure: ({ lost }) => lost, write: inUnits(1, 0), of: "worst" },
  { head: "late", figure: ({ unanswered }) => unanswered, write: inUnits(1, 0), of: "worst" },
  { head: "pauses", figure: ({ pauses }) => pauses?.count, write: inUnits(1, 0), of: "sum" },
  {
    head: "pause us",
    figure: ({ pauses }) => pauses?.longest,
    write: inUnits(1e3, 0),
    of: "worst",
  },
  { head: "idle CPU ms/s", figure: ({ server }) => server?.idleCpu, write: inUnits(1, 1) },
  { head: "memory MB", figure: ({ server }) => server?.resident, write: inUnits(1e6, 1) },
  { head: "anonymous MB", figure: ({ server }) => server?.anonymous, write: inUnits(1e6, 1) },
  { head: "KiB each", figure: ({ server }) => server?.perConnection, write: inUnits(1024, 2) },
];

function inUnits(unit: number, decimals: number): (value: number) => string {
  return (value) => (value / unit).toFixed(decimals);
}

/** Returns a whole run. */
export function showRun(run: Run): string {
  const { machine, experiments, command } = run;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.description}\n${versions.join(", ")}`,
    ...experiments.map(showExperiment),
    [...machine.notices.map((notice) => `* ${notice}`), `Repeat with: ${command}`].join("\n"),
  ].join("\n\n");
}

/** Returns an experiment: its figures, medians over the rounds, and what counts of them. */
export function showExperiment(experiment: Experiment): string {
  const { title, effort, ratios } = experiment;
  const { columns, rows } = figureTable(experiment);
  return [
    `== ${title} ==\n${effort}`,
    ...(rows.length === 0 ? [] : [table(columns, rows)]),
    ...(ratios.length === 0 ? [] : [ratioTable(ratios)]),
    remarksOn(experiment).map((remark) => `* ${remark}`).join("\n"),
  ].join("\n\n");
}

/** Returns what a reader must know of an experiment, each in one line and without a full stop. */
export function remarksOn({ skipped, calibration, notes }: Experiment): string[] {
  const remarks = [
    ...(calibration.length === 0 ? [] : [describeCalibration(calibration)]),
    ...skipped.map(({ subject, reason }) => `${subject} was left out: ${reason}`),
    ...notes,
  ];
  return remarks.map((remark) => remark.trim().replaceAll(/\s+/g, " ").replace(/\.$/, ""));
}

/**
 * Returns the table of figures: a row for each subject, variant and point, of the rounds that count. Where none does, of
 * all rounds, and the name says so.
 */
export function figureTable(
  { samples, parameter }: Pick<Experiment, "samples" | "parameter">,
): { columns: string[]; rows: string[][] } {
  const groups = Map.groupBy(
    samples,
    ({ subject, variant, point }) => JSON.stringify([subject, variant, point]),
  );
  const used = COLUMNS.filter(({ figure, of = "median" }) =>
    samples.some((one) => of === "median" ? figure(one) !== undefined : (figure(one) ?? 0) > 0)
  );
  const unit = parameter?.unit === "" ? "" : ` (${parameter?.unit})`;
  const hasVariants = samples.some(({ variant }) => variant !== undefined);
  return {
    columns: [
      "server",
      ...(hasVariants ? ["what"] : []),
      ...(parameter === undefined ? [] : [`${parameter.name}${unit}`]),
      ...used.map(({ head }) => head),
    ],
    rows: [...groups.values()].map((group) => {
      const { subject, variant, point } = group[0]!;
      const kept = keepSteady(group);
      return [
        kept[0]!.steady ? subject : `${subject} (unsteady)`,
        ...(hasVariants ? [variant ?? ""] : []),
        ...(parameter === undefined ? [] : [String(point)]),
        ...used.map((column) => cell(column, kept)),
      ];
    }),
  };
}

function cell({ figure, write, of = "median" }: Column, group: readonly Sample[]): string {
  const figures = group.map(figure).filter((value) => value !== undefined);
  return figures.length === 0 ? "" : write(SUMMARIES[of](figures));
}

const SUMMARIES: Readonly<Record<"median" | "sum" | "worst", (figures: number[]) => number>> = {
  median: (figures) => quantile(figures, 0.5),
  sum: (figures) => figures.reduce((sum, figure) => sum + figure, 0),
  worst: (figures) => Math.max(...figures),
};

/** What stands over the cells of {@linkcode ratioRow}. */
export const RATIO_HEAD: readonly string[] = [
  ...["ratio", "median", "95 %", "spread", "rounds", "target", ""],
];

/** Returns the cells of a ratio; those of what it does not have are empty. */
export function ratioRow(ratio: RatioResult): string[] {
  const { label, median, low, high, min, max, rounds, atLeast, atMost, met } = ratio;
  const bounds = [
    ...(atLeast === undefined ? [] : [`≥ ${atLeast}`]),
    ...(atMost === undefined ? [] : [`≤ ${atMost}`]),
  ];
  return [
    label.replace(" / ", " ÷ "),
    fixed(median),
    low === undefined || high === undefined ? "" : `${fixed(low)}–${fixed(high)}`,
    `${fixed(min)}–${fixed(max)}`,
    String(rounds ?? ""),
    bounds.join(", "),
    met === undefined ? "" : met ? "met" : "MISSED",
  ];
}

/** Returns the ratios as a table, without columns that are empty. */
export function ratioTable(ratios: readonly RatioResult[]): string {
  const rows = ratios.map(ratioRow);
  const keep = (cells: readonly string[]) =>
    cells.filter((_, column) => rows.some((row) => row[column] !== ""));
  return table(keep(RATIO_HEAD), rows.map(keep));
}

/** In as many digits as it takes to see whether it meets a target. */
function fixed(value: number): string {
  return value.toFixed(Math.abs(value) < 0.1 ? 4 : Math.abs(value) < 10 ? 3 : 1);
}
