/**
 * Running a workload: every subject in every round, a fresh server each time, and the samples with what the
 * machine did meanwhile.
 *
 * @module
 */
import type { Machine } from "../_harness/machine.ts";
import { LOOPBACK } from "../_harness/route.ts";
import { chooseRounds, interleave, type Rounds } from "../_harness/rounds.ts";
import { Server } from "../_harness/server.ts";
import { Samples } from "./samples.ts";
import type { Experiment, Sample } from "./schema.ts";
import type { Subject, Subjects } from "./subjects.ts";
import { warmUp } from "./warm_up.ts";
import type { Effort, Measurement, Workload } from "./workload.ts";

/** Who is measured, and how much. */
export interface ExperimentOptions {
  /** The servers. */
  readonly subjects: Subjects;
  /** How much to do. */
  readonly effort: Effort;
}

/**
 * Measures a workload. If nobody can take part, the experiment says why, and has no samples.
 *
 * @throws {BenchmarkError} If a server gave a wrong answer, or died.
 */
export async function experiment(
  machine: Machine,
  workload: Workload,
  { subjects, effort }: ExperimentOptions,
): Promise<Experiment> {
  const { phased = true } = workload;
  const skipped = subjects.skipped.map(({ name, skipped }) => ({ subject: name, reason: skipped }));
  const available: Subject[] = [];
  for (const subject of subjects.available) {
    const reason = whyUnfit(workload, subject);
    if (reason === undefined) available.push(subject);
    else skipped.push({ subject: subject.name, reason });
  }
  const steps = available.map((subject) => ({
    name: `${workload.id}: ${subject.name}`,
    measure: (round: number) => trial(machine, workload, subject, effort, round),
  }));
  const { history, calibration, notes } = steps.length === 0
    ? NO_ROUNDS
    : await interleave(machine, { rounds: workload.rounds(effort), phased }, steps);
  const samples = history.flatMap(({ samples, steady }, round) =>
    samples.flatMap((measurements, index) =>
      measurements.map((measurement): Sample => ({
        subject: available[index]!.name,
        round,
        steady,
        ...measurement,
      }))
    )
  );
  const rounds = chooseRounds(history).kept.length;
  const count = `${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  const baseline = available.find(({ id }) => id === workload.baseline);
  return {
    id: workload.id,
    title: workload.title,
    effort: rounds === 0
      ? "nobody could take part"
      : `${count} over ${subjects.wire}, a fresh server in each; ${workload.describe(effort)}`,
    ...(workload.parameter === undefined ? {} : { parameter: workload.parameter }),
    ...(baseline === undefined ? {} : { baseline: baseline.name }),
    skipped,
    samples,
    ratios: workload.ratios(new Samples(available, samples)),
    calibration,
    notes: [...notes, ...workload.notes],
  };
}

const NO_ROUNDS: Pick<Rounds<Measurement[]>, "history" | "calibration" | "notes"> = {
  history: [],
  calibration: [],
  notes: [],
};

/** Why a server cannot take part in a workload; `undefined` if it can. */
function whyUnfit({ many, client }: Workload, subject: Subject): string | undefined {
  const route = subject.command.route ?? LOOPBACK;
  if (many && !subject.many) return "it cannot be measured over many connections at once";
  if (client !== undefined && route.client !== undefined) {
    return `the client of this workload is on the kernel's sockets, not on ${route.client.libos}`;
  }
  if (client === "loopback" && route.hostname !== LOOPBACK.hostname) {
    return "the client of this workload is on the kernel's loopback alone";
  }
  return undefined;
}

async function trial(
  machine: Machine,
  workload: Workload,
  subject: Subject,
  effort: Effort,
  round: number,
): Promise<Measurement[]> {
  await using server = await Server.start(machine, subject.command);
  const trial = { machine, server, subject, effort, round };
  await warmUp(workload.protocol, trial);
  return await workload.measure(trial);
}
