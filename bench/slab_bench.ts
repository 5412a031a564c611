/**
 * Our own cost of keeping account of operations: the pool of their objects, and the table of tokens.
 *
 * @module
 */
import { MonotonicClock } from "../libos/runtime/scheduler/epoll_parker.ts";
import { Opcode, type OperationOwner } from "../libos/runtime/operation/owner.ts";
import { OperationPool } from "../libos/runtime/operation/pool.ts";
import { Scheduler } from "../libos/runtime/scheduler/scheduler.ts";
import { TokenTable } from "../libos/runtime/operation/tokens.ts";

/** Operations in one iteration. */
const BATCH = 1_000;

const tokens = new TokenTable();
const scheduler = new Scheduler({ idle: "spin", clock: new MonotonicClock() });
const pool = new OperationPool(scheduler, tokens, false);
const owner: OperationOwner = {
  qd: 3,
  referenced: true,
  pending: 0,
  begun: 0,
  woken: 0,
  wokenIn: 0,
  cancel() {},
  discard() {},
};

function immediate(): void {
  for (let i = 0; i < BATCH; i++) {
    const operation = pool.take(Opcode.POP, owner);
    operation.complete(i);
    operation.consume();
  }
}

function pending(): void {
  for (let i = 0; i < BATCH; i++) {
    const operation = pool.take(Opcode.POP, owner);
    operation.suspend();
    operation.complete(i);
    operation.consume();
  }
}

function withToken(): void {
  for (let i = 0; i < BATCH; i++) {
    const operation = pool.take(Opcode.POP, owner);
    operation.suspend();
    const qt = tokens.register(operation);
    operation.complete(i);
    tokens.release(tokens.get(qt, "wait"));
    operation.consume();
  }
}

const group = "operation slab: 1 µs is 1 ns per operation";

Deno.bench("1 000 operations, over at once", { group, baseline: true }, immediate);
Deno.bench("1 000 operations, pending first", { group }, pending);
Deno.bench("1 000 operations, pending first, named by a token", { group }, withToken);

let full = false;

Deno.bench("1 000 operations, the same beside 10 000 pending ones", { group }, () => {
  if (!full) {
    for (let i = 0; i < 10_000; i++) {
      const operation = pool.take(Opcode.POP, owner);
      operation.suspend();
      tokens.register(operation);
    }
    full = true;
  }
  withToken();
});
