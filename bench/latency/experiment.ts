/**
 * Running a workload: who can take part, the samples with what the machine did meanwhile, and what counts of them.
 *
 * @module
 */
import type { Machine } from "../_harness/machine.ts";
import { LOOPBACK } from "../_harness/route.ts";
import { which } from "../_harness/which.ts";
import { Samples } from "./samples.ts";
import type { Experiment } from "./schema.ts";
import type { Subject, Subjects } from "./subjects.ts";
import { takeTurns, type TurnsOptions, type TurnsResult } from "./turns.ts";
import { type Effort, roundsOf, type Workload } from "./workload.ts";

/** Who is measured, and how much. */
export interface ExperimentOptions {
  /** The servers. */
  readonly subjects: Subjects;
  /** How much to do. */
  readonly effort: Effort;
  /** Makes a reading. @default {calibrate} */
  readonly calibrate?: TurnsOptions["calibrate"];
}

/**
 * Measures a workload. If nobody can take part, the experiment says why, and has no samples.
 *
 * @throws {BenchmarkError} If a server gave a wrong answer, or died.
 */
export async function experiment(
  machine: Machine,
  workload: Workload,
  { subjects, effort, calibrate }: ExperimentOptions,
): Promise<Experiment> {
  const skipped = subjects.skipped.map(({ name, skipped }) => ({ subject: name, reason: skipped }));
  const available: Subject[] = [];
  for (const subject of subjects.available) {
    const reason = whyUnfit(workload, subject);
    if (reason === undefined) available.push(subject);
    else skipped.push({ subject: subject.name, reason });
  }
  const result = available.length === 0
    ? NOTHING
    : await takeTurns({ machine, workload, subjects: available, effort, calibrate });
  const { samples, calibration } = result;
  return {
    id: workload.id,
    title: workload.title,
    effort: describe(workload, result, { wire: subjects.wire, effort }),
    ...(workload.parameter === undefined ? {} : { parameter: workload.parameter }),
    skipped,
    subjects: available.map(({ id, name, libos }) => ({
      ...{ id, name },
      ...(libos === undefined ? {} : { libos }),
    })),
    samples,
    ratios: workload.ratios(new Samples(available, samples)),
    calibration,
    notes: [...remarksOn(result), ...workload.notes],
  };
}

const NOTHING: TurnsResult = {
  ...{ samples: [], calibration: [], rounds: 0, starts: 0 },
  ...{ turns: 0, counting: 0, retaken: 0 },
};

/** What became of turns in which the machine did not stand still. */
function remarksOn(result: TurnsResult): string[] {
  const { samples, turns, counting, retaken } = result;
  const cells = Map.groupBy(
    samples,
    ({ subject, variant, point }) =>
      [subject, variant, point].filter((of) => of !== undefined).join(", "),
  );
  const uncounted = [...cells].filter(([, cell]) => cell.every(({ steady }) => !steady));
  return [
    ...(retaken === 0 ? [] : [`Turns taken again, since the calibration had moved: ${retaken}`]),
    ...(counting === turns ? [] : [
      counting === 0
        ? "The calibration moved in EVERY one of the turns: these ratios mix phases, run it again"
        : `In ${
          turns - counting
        } of ${turns} turns the calibration moved, or was of another phase; ` +
          "these were dropped",
    ]),
    ...(counting === 0 ? [] : uncounted.map(([of]) => `${of}: no turn counts, run it again`)),
  ];
}

/** How much was measured, as a sentence. */
function describe(
  workload: Workload,
  { rounds, starts }: TurnsResult,
  { wire, effort }: { readonly wire: string; readonly effort: Effort },
): string {
  if (rounds === 0) return "nobody could take part";
  const upTo = rounds > roundsOf(workload, effort) ? "up to " : "";
  const count = `${upTo}${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  const servers = starts === 1 ? "the same servers in all" : `servers started ${starts} times`;
  return `${count} over ${wire}, ${servers}; in each ${workload.describe(effort)}`;
}

/** Why a server cannot take part in a workload; `undefined` if it can. */
function whyUnfit({ many, client, needs }: Workload, subject: Subject): string | undefined {
  const route = subject.command.route ?? LOOPBACK;
  if (needs !== undefined && which(needs) === undefined) return `no ${needs} on PATH: install it`;
  if (many && !subject.many) return "it cannot be measured over many connections at once";
  if (client !== undefined && route.client !== undefined) {
    return `the client of this workload is on the kernel's sockets, not on ${route.client.libos}`;
  }
  if (client === "loopback" && route.hostname !== LOOPBACK.hostname) {
    return "the client of this workload is on the kernel's loopback alone";
  }
  return undefined;
}
