/**
 * Plans: how much is measured when nobody says more.
 *
 * @module
 */
import type { Effort } from "./workload.ts";

/** What to measure, and how much of it. */
export interface Plan {
  /** The workloads, by id; all if not given. */
  readonly workloads?: readonly string[];
  /** How much. */
  readonly effort: Effort;
}

/** The plans by name. */
export const PLANS = {
  /** Under a minute: enough to see that all is well, and about where it stands. */
  quick: {
    workloads: ["tcp-echo", "udp-echo", "kv"],
    effort: { rounds: 4, sweepRounds: 1, fresh: 1, operations: 4_000, milliseconds: 300 },
  },
  /** What `docs/benchmarks.md` shows: about three quarters of an hour. */
  full: {
    effort: {
      ...{ rounds: 80, sweepRounds: 2, fresh: 4, precision: 0.03 },
      ...{ operations: 4_000, milliseconds: 700 },
    },
  },
} as const satisfies Record<string, Plan>;

/** The name of a plan. */
export type PlanName = keyof typeof PLANS;
