/**
 * Running a workload: every subject in every round, a fresh server each time, and the samples with what the
 * machine did meanwhile.
 *
 * @module
 */
import { BenchmarkError } from "../_harness/command_line.ts";
import type { Machine } from "../_harness/machine.ts";
import { interleave } from "../_harness/rounds.ts";
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
 * Measures a workload.
 *
 * @throws {BenchmarkError} If there is no server to measure, one gave a wrong answer, or died.
 */
export async function experiment(
  machine: Machine,
  workload: Workload,
  { subjects, effort }: ExperimentOptions,
): Promise<Experiment> {
  const available = subjects.available.filter(({ many }) => many || !workload.many);
  const skipped = [
    ...subjects.skipped.map(({ name, skipped }) => ({ subject: name, reason: skipped })),
    ...subjects.available.filter((subject) => !available.includes(subject)).map(({ name }) => ({
      subject: name,
      reason: "it cannot be measured over many connections at once",
    })),
  ];
  if (available.length === 0) {
    const reasons = skipped.map(({ subject, reason }) => `${subject}: ${reason}`);
    throw new BenchmarkError(
      `Cannot measure ${workload.id}: no server is left: ${reasons.join("; ")}`,
    );
  }
  const steps = available.map((subject) => ({
    name: `${workload.id}: ${subject.name}`,
    measure: (round: number) => trial(machine, workload, subject, effort, round),
  }));
  const rounds = workload.rounds(effort);
  const { history, calibration, notes } = await interleave(machine, { rounds }, steps);
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
  const baseline = available.find(({ id }) => id === workload.baseline);
  return {
    id: workload.id,
    title: workload.title,
    effort: `${rounds} rounds over ${subjects.wire}, a fresh server in each; ` +
      workload.describe(effort),
    ...(workload.parameter === undefined ? {} : { parameter: workload.parameter }),
    ...(baseline === undefined ? {} : { baseline: baseline.name }),
    skipped,
    samples,
    ratios: workload.ratios(new Samples(available, samples)),
    calibration,
    notes: [...notes, ...workload.notes],
  };
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
