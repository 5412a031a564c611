/**
 * The results as text for a terminal.
 *
 * @module
 */
import { describeCalibration } from "../_harness/calibration.ts";
import { ratioTable } from "../_harness/report.ts";
import { chooseRounds } from "../_harness/rounds.ts";
import { quantile } from "../_harness/statistics.ts";
import { microseconds, table } from "../_harness/table.ts";
import { type Figure, latency, throughput } from "./samples.ts";
import type { Experiment, Run, Sample } from "./schema.ts";

/** A column of figures: how it is called, taken and written. */
interface Column {
  /** Its head. */
  readonly head: string;
  /** The figure. */
  readonly figure: Figure;
  /** How it is written. */
  readonly write: (value: number) => string;
  /**
   * Whether it is of what should not happen. Then it is there if that did, and shows the worst round; a median
   * would hide it.
   *
   * @default {false}
   */
  readonly rare?: boolean;
}

/** Every column there is; a table has those that have figures. */
const COLUMNS: readonly Column[] = [
  { head: "p50 us", figure: latency("p50"), write: microseconds },
  { head: "p90 us", figure: latency("p90"), write: microseconds },
  { head: "p99 us", figure: latency("p99"), write: microseconds },
  { head: "p99.9 us", figure: latency("p999"), write: microseconds },
  { head: "1000/s", figure: throughput, write: (value) => (value / 1_000).toFixed(1) },
  {
    head: "MB/s",
    figure: ({ bandwidth }) => bandwidth,
    write: (value) => (value / 1e6).toFixed(0),
  },
  { head: "lost", figure: ({ lost }) => lost, write: (value) => value.toFixed(0), rare: true },
  {
    head: "late",
    figure: ({ unanswered }) => unanswered,
    write: (value) => value.toFixed(0),
    rare: true,
  },
  { head: "pauses", figure: ({ pauses }) => pauses?.count, write: (value) => value.toFixed(0) },
  {
    head: "pause us",
    figure: ({ pauses }) => pauses?.longest,
    write: (value) => (value / 1_000).toFixed(0),
    rare: true,
  },
  {
    head: "idle CPU ms/s",
    figure: ({ server }) => server?.idleCpu,
    write: (value) => value.toFixed(1),
  },
  {
    head: "memory MB",
    figure: ({ server }) => server?.resident,
    write: (value) => (value / 1e6).toFixed(1),
  },
];

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
 * Returns the table of figures: a row for each subject, variant and point, medians over the rounds that count, or
 * the worst of them where the figure is of what should not happen.
 */
export function figureTable(
  { samples, parameter }: Pick<Experiment, "samples" | "parameter">,
): { columns: string[]; rows: string[][] } {
  const { kept } = chooseRounds(samples);
  // Of all rounds, so that rows are in the order of the first one, whichever counts.
  const groups = Map.groupBy(
    samples,
    ({ subject, variant, point }) => JSON.stringify([subject, variant, point]),
  );
  const used = COLUMNS.filter(({ figure, rare }) =>
    kept.some((one) => rare ? (figure(one) ?? 0) > 0 : figure(one) !== undefined)
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
      const counted = group.filter((sample) => kept.includes(sample));
      return [
        subject,
        ...(hasVariants ? [variant ?? ""] : []),
        ...(parameter === undefined ? [] : [String(point)]),
        ...used.map((column) => cell(column, counted)),
      ];
    }),
  };
}

function cell({ figure, write, rare }: Column, group: readonly Sample[]): string {
  const figures = group.map(figure).filter((value) => value !== undefined);
  return figures.length === 0 ? "" : write(quantile(figures, rare ? 1 : 0.5));
}
