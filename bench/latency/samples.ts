/**
 * Looking at the samples of an experiment: by subject and point, and as ratios within rounds.
 *
 * @module
 */
import { confidence, quantile, spread, trimmedMean } from "../_harness/statistics.ts";
import type { Participant, RatioResult, Sample } from "./schema.ts";

/** Which samples. */
export interface Cell {
  /** The name of the subject. */
  readonly subject: string;
  /** The value of the parameter. */
  readonly point?: number | undefined;
  /** The variant. */
  readonly variant?: string | undefined;
}

/** A figure of a sample; `undefined` where it has none. */
export type Figure = (sample: Sample) => number | undefined;

/** Some figure of the latency, in nanoseconds. */
export function latency(key: "mean" | "p50" | "p90" | "p99" | "p999"): Figure {
  return (sample) => sample.latency?.[key];
}

/** Operations per second. */
export const throughput: Figure = (sample) => sample.throughput;

/** Nanoseconds per operation, however many are under way at a time; none, if no operation was completed. */
export const cost: Figure = ({ throughput }) =>
  throughput === undefined || throughput === 0 ? undefined : 1e9 / throughput;

/** Nanoseconds of the server's processor per operation. */
export const cpuPerOperation: Figure = ({ server, throughput }) =>
  server?.cpu === undefined || !throughput ? undefined : server.cpu * 1e6 / throughput;

/** Bytes per second. */
export const bandwidth: Figure = (sample) => sample.bandwidth;

/** A ratio to take. */
export interface RatioRequest {
  /** What it is called. */
  readonly label: string;
  /** What is divided. */
  readonly above: Cell;
  /** By what. */
  readonly below: Cell;
  /** Which figure of both. */
  readonly figure: Figure;
  /** For a peer that has modes: the quotient of trimmed means over the rounds, not the median of the quotients. */
  readonly ofMeans?: boolean;
  /** The target, if it is at most this. */
  readonly atMost?: number;
  /** The target, if it is at least this. */
  readonly atLeast?: number;
}

/** The samples of an experiment that count: the steady ones, or all if none is. */
export class Samples {
  readonly #participants: readonly Participant[];
  readonly #samples: readonly Sample[];

  /** Takes the samples of an experiment. */
  constructor(participants: readonly Participant[], samples: readonly Sample[]) {
    this.#participants = participants;
    this.#samples = keepSteady(samples);
  }

  /** The names of the subjects that have these ids, in that order: ours may be on several libOSes. */
  named(...ids: readonly string[]): string[] {
    return ids.flatMap((id) => this.#participants.filter((one) => one.id === id))
      .map(({ name }) => name);
  }

  /** The names of all subjects of ours. */
  get ours(): string[] {
    return this.#participants.filter(({ libos }) => libos !== undefined).map(({ name }) => name);
  }

  /** The figure of a cell, by round; empty if it was not measured. */
  figures(cell: Cell, figure: Figure): ReadonlyMap<number, number> {
    const found = this.#samples.filter((sample) =>
      sample.subject === cell.subject && sample.point === cell.point &&
      sample.variant === cell.variant
    );
    const figures = found.map((sample) => [sample.round, figure(sample)] as const);
    return new Map(figures.filter((one): one is [number, number] => one[1] !== undefined));
  }

  /**
   * Takes a ratio; none, if one of the two was not measured. Targets are those of the libOS that is on the same
   * sockets as the peers, and have no meaning for others.
   */
  ratio(request: RatioRequest): RatioResult[] {
    const { label, above, below, figure, ofMeans = false, ...target } = request;
    const numerators = this.figures(above, figure);
    const denominators = this.figures(below, figure);
    const rounds = [...numerators.keys()].filter((round) => denominators.has(round));
    if (rounds.length === 0) return [];
    const tops = rounds.map((round) => numerators.get(round)!);
    const bottoms = rounds.map((round) => denominators.get(round)!);
    const quotients = tops.map((top, i) => top / bottoms[i]!);
    const middle = ofMeans
      ? (rounds: readonly number[]) =>
        trimmedMean(pick(tops, rounds)) / trimmedMean(pick(bottoms, rounds))
      : (rounds: readonly number[]) => quantile(pick(quotients, rounds), 0.5);
    const ratio = {
      label,
      ...spread(quotients),
      median: middle([...rounds.keys()]),
      rounds: rounds.length,
      ...confidence(rounds.length, middle),
      ...(ofMeans ? { ofMeans } : {}),
    };
    return [
      this.#hasTargets(above) && this.#hasTargets(below) ? judge({ ...ratio, ...target }) : ratio,
    ];
  }

  /**
   * Takes the ratio of each of some subjects to each of some others, at the same place: see {@linkcode Samples.ratio}.
   * `what` ends its label.
   */
  each(
    above: readonly string[],
    below: readonly string[],
    what: string,
    { point, variant, ...request }:
      & Omit<RatioRequest, "label" | "above" | "below">
      & Omit<Cell, "subject">,
  ): RatioResult[] {
    return above.flatMap((one) =>
      below.flatMap((other) =>
        this.ratio({
          label: `${one} / ${other}${what}`,
          above: { subject: one, point, variant },
          below: { subject: other, point, variant },
          ...request,
        })
      )
    );
  }

  /** A figure that counts by itself; none, if it was not measured. */
  value(
    label: string,
    cell: Cell,
    figure: Figure,
    target: Pick<RatioRequest, "atMost" | "atLeast">,
  ): RatioResult[] {
    const figures = [...this.figures(cell, figure).values()];
    if (figures.length === 0) return [];
    const bounds = confidence(figures.length, (rounds) => quantile(pick(figures, rounds), 0.5));
    return [judge({ label, ...spread(figures), ...bounds, ...target })];
  }

  #hasTargets({ subject }: Cell): boolean {
    const libos = this.#participants.find(({ name }) => name === subject)?.libos;
    return libos === undefined || libos === "catnap";
  }
}

/** Keeps what is steady; if nothing is, all. */
export function keepSteady<T extends { readonly steady: boolean }>(
  all: readonly T[],
): readonly T[] {
  const kept = all.filter(({ steady }) => steady);
  return kept.length === 0 ? all : kept;
}

function pick(figures: readonly number[], rounds: readonly number[]): number[] {
  return rounds.map((round) => figures[round]!);
}

/** Says whether a ratio meets its target, which may have two sides, if it has one. */
function judge(ratio: Omit<RatioResult, "met">): RatioResult {
  const { median, atMost, atLeast } = ratio;
  if (atMost === undefined && atLeast === undefined) return ratio;
  return { ...ratio, met: median <= (atMost ?? Infinity) && median >= (atLeast ?? -Infinity) };
}
