import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import type { PooledOperation } from "../../../libos/runtime/operation/operation.ts";
import { Opcode, type OperationOwner } from "../../../libos/runtime/operation/owner.ts";
import { OperationPool } from "../../../libos/runtime/operation/pool.ts";
import { Scheduler } from "../../../libos/runtime/scheduler/scheduler.ts";
import { TokenTable } from "../../../libos/runtime/operation/tokens.ts";
import { assertCode } from "../_assert.ts";

/** A table, and operations that nothing completes but the test. */
function makeTable() {
  const tokens = new TokenTable();
  const pool = new OperationPool(new Scheduler(), tokens, false);
  const owner: OperationOwner = {
    qd: 1,
    referenced: true,
    pending: 0,
    begun: 0,
    woken: 0,
    wokenIn: 0,
    cancel() {},
    discard() {},
  };
  return { tokens, take: () => pool.take(Opcode.POP, owner) };
}

const NONSENSE = [
  NaN,
  -1,
  -0,
  0,
  0.5,
  1.5,
  2 ** 20 + 0.5,
  -(2 ** 20),
  2 ** 53,
  2 ** 53 + 2,
  Infinity,
  -Infinity,
];

Deno.test("TokenTable never takes one token for another, in any history", () => {
  const step = fc.record({
    call: fc.constantFrom("register", "registerOver", "end", "cancel", "use"),
    pick: fc.nat(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
    const { tokens, take } = makeTable();
    const live = new Map<number, PooledOperation>();
    const used = new Set<number>();
    const ended: PooledOperation[] = [];
    const register = (operation: PooledOperation) => {
      const qt = tokens.register(operation);
      assertEquals(live.has(qt) || used.has(qt), false, "the token was given out before");
      assertEquals(Number.isSafeInteger(qt) && qt > 0, true);
      live.set(qt, operation);
    };
    for (const { call, pick } of steps) {
      const [qt, operation] = [...live][pick % live.size] ?? [];
      if (call === "register") {
        register(take());
      } else if (call === "registerOver") {
        const over = take();
        over.complete(null);
        register(over);
        ended.push(over);
      } else if (qt === undefined || operation === undefined) {
        continue;
      } else if (call === "use") {
        tokens.release(operation);
        operation.consume();
        live.delete(qt);
        used.add(qt);
        if (ended.includes(operation)) ended.splice(ended.indexOf(operation), 1);
      } else if (!operation.over) {
        if (call === "end") operation.complete(null);
        else operation.cancel();
        ended.push(operation);
      }
      for (const [token, its] of live) {
        assertStrictEquals(tokens.get(token, "wait"), its);
        assertEquals(tokens.tokenOf(its), token);
      }
      for (const token of used) assertCode("EINVAL", () => tokens.get(token, "wait"));
      assertStrictEquals(tokens.firstEnded(), ended[0] ?? null);
      assertEquals(tokens.size, live.size);
    }
  }));
});

Deno.test("TokenTable.get() throws EINVAL for what was never a token", () => {
  const { tokens, take } = makeTable();
  for (let i = 0; i < 3; i++) tokens.register(take());
  for (const qt of NONSENSE) assertCode("EINVAL", () => tokens.get(qt, "wait"));
});

Deno.test("TokenTable.register() gives a slot another token each time it is used", () => {
  const { tokens, take } = makeTable();
  const seen = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    const operation = take();
    const qt = tokens.register(operation);
    assertEquals(seen.has(qt), false);
    seen.add(qt);
    tokens.release(operation);
    assertCode("EINVAL", () => tokens.get(qt, "wait"));
  }
  assertEquals(tokens.size, 0);
});

Deno.test("TokenTable grows, and keeps the tokens that it gave out", () => {
  const { tokens, take } = makeTable();
  const operations = Array.from({ length: 1000 }, take);
  const qts = operations.map((operation) => tokens.register(operation));
  assertEquals(new Set(qts).size, 1000);
  qts.forEach((qt, i) => assertStrictEquals(tokens.get(qt, "wait"), operations[i]));
});

Deno.test("TokenTable grows, and keeps the order in which operations ended", () => {
  const { tokens, take } = makeTable();
  const ended: PooledOperation[] = [];
  for (let size = 50; size <= 1600; size *= 2) {
    const operations = Array.from({ length: size }, take);
    for (const operation of operations) tokens.register(operation);
    for (const operation of operations.toReversed()) operation.complete(null);
    ended.push(...operations.toReversed());
  }
  for (const operation of ended) {
    assertStrictEquals(tokens.firstEnded(), operation);
    tokens.release(operation);
  }
  assertStrictEquals(tokens.firstEnded(), null);
});
