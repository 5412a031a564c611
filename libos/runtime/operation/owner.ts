/**
 * What operations do, and what they are on.
 *
 * @module
 */

import type { Waker } from "../scheduler/scheduler.ts";
import type { PooledOperation } from "./operation.ts";

/** What an operation does; the paper's opcodes, and two of our own. */
export const Opcode = {
  PUSH: 1,
  POP: 2,
  ACCEPT: 3,
  CONNECT: 4,
  SLEEP: 5,
  JOIN: 6,
} as const;

/** The names of the opcodes, as errors tell them. */
export const OPCODE_NAMES = ["", "push", "pop", "accept", "connect", "sleep", "join"] as const;

/** What an operation is on: it can be asked to let go of one. */
export interface OperationOwner extends Waker {
  /** Named in errors. */
  readonly qd: number | undefined;
  /** Whether its pending operations keep the process alive. */
  readonly referenced: boolean;
  /** How many of its operations are pending. */
  pending: number;
  /** How many were begun. */
  begun: number;
  /** Unlinks a pending operation; from then on the owner does not touch it. */
  cancel(operation: PooledOperation): void;
  /** Lets go of the result of an operation that is over, which nobody will take. */
  discard(operation: PooledOperation): void;
}
