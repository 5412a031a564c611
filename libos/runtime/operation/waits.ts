/**
 * Waiting for tokens: the calls of PDPIX that block the thread.
 *
 * @module
 */

import { checkTimeout, DemikernelError, inspect } from "../../error.ts";
import type { PooledOperation } from "./operation.ts";
import { Opcode } from "./owner.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { TokenTable } from "./tokens.ts";
import type { Completion, QToken, Sga } from "../../pdpix.ts";

/** The `wait` family of one libOS; for the methods, {@linkcode LibOS}. */
export class Waits {
  readonly #tokens: TokenTable;
  readonly #scheduler: Scheduler;

  /** Waits for the tokens of a table, and takes turns of a scheduler meanwhile. */
  constructor(tokens: TokenTable, scheduler: Scheduler) {
    this.#tokens = tokens;
    this.#scheduler = scheduler;
  }

  /** See {@linkcode LibOS.wait}. */
  wait(qt: QToken, timeout?: number): Completion {
    const operation = this.#tokens.get(qt, "wait");
    this.#block("wait", () => this.#isOver(operation, qt), timeout);
    return this.#take(this.#tokens.get(qt, "wait"));
  }

  /** See {@linkcode LibOS.waitAny}. */
  waitAny(qts: readonly QToken[], timeout?: number): Completion {
    const operations = this.#all(qts, "waitAny");
    if (operations.length === 0) {
      throw new DemikernelError("EINVAL", "waitAny", { detail: "no token is given" });
    }
    const findOver = () => operations.findIndex((one, i) => this.#isOver(one, qts[i]!));
    this.#block("waitAny", () => findOver() >= 0, timeout);
    return this.#take(this.#tokens.get(qts[findOver()]!, "waitAny"));
  }

  /** See {@linkcode LibOS.waitAll}. */
  waitAll(qts: readonly QToken[], timeout?: number): Completion[] {
    const operations = this.#all(qts, "waitAll");
    if (new Set(qts).size < qts.length) {
      throw new DemikernelError("EINVAL", "waitAll", { detail: "a token is given twice" });
    }
    this.#block("waitAll", () => operations.every((one, i) => this.#isOver(one, qts[i]!)), timeout);
    return this.#all(qts, "waitAll").map((operation) => this.#take(operation));
  }

  /** See {@linkcode LibOS.waitNextN}. */
  waitNextN(count: number, timeout?: number): Completion[] {
    if (!(Number.isSafeInteger(count) && count > 0)) {
      throw new DemikernelError("EINVAL", "waitNextN", {
        detail: `a count must be a positive integer, not ${inspect(count)}`,
      });
    }
    const completions: Completion[] = [];
    if (!this.#blocked(() => this.#tokens.firstEnded() !== null, timeout)) return completions;
    while (completions.length < count) {
      const operation = this.#tokens.firstEnded();
      if (operation === null) break;
      completions.push(this.#take(operation));
    }
    return completions;
  }

  /** Whether it is over, or somebody else, a coroutine for one, used its token up meanwhile. */
  #isOver(operation: PooledOperation, qt: QToken): boolean {
    return operation.over || this.#tokens.tokenOf(operation) !== qt;
  }

  #all(qts: readonly QToken[], call: string): PooledOperation[] {
    if (!Array.isArray(qts)) {
      throw new DemikernelError("EINVAL", call, {
        detail: `tokens come in an array, not in ${inspect(qts)}`,
      });
    }
    return qts.map((qt) => this.#tokens.get(qt, call));
  }

  #block(call: string, over: () => boolean, timeout: number | undefined): void {
    if (this.#blocked(over, timeout)) return;
    throw new DemikernelError("ETIMEDOUT", call, { detail: `not over within ${timeout} ms` });
  }

  #blocked(over: () => boolean, timeout = Infinity): boolean {
    checkTimeout(timeout);
    return over() || this.#scheduler.block(over, timeout);
  }

  #take(operation: PooledOperation): Completion {
    const qt = this.#tokens.tokenOf(operation);
    this.#tokens.release(operation);
    const completion = completionOf(operation, operation.owner!.qd!, qt);
    operation.consume();
    return completion;
  }
}

function completionOf(operation: PooledOperation, qd: number, qt: QToken): Completion {
  if (operation.failed) {
    return { qd, qt, opcode: "failed", error: operation.error() as DemikernelError };
  }
  switch (operation.opcode) {
    case Opcode.POP:
      return { qd, qt, opcode: "pop", sga: operation.value as Sga | null };
    case Opcode.ACCEPT:
      return { qd, qt, opcode: "accept", accepted: operation.value as number };
    case Opcode.CONNECT:
      return { qd, qt, opcode: "connect" };
    default:
      return { qd, qt, opcode: "push" };
  }
}
