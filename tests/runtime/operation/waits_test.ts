import { assertEquals } from "@std/assert";
import type { Operation, QToken, Sga } from "../../../libos/pdpix.ts";
import { assertCode } from "../_assert.ts";
import { MemoryLibOS } from "../_memory_libos.ts";

/** A pop that a coroutine takes away, and begins another one that has its place, while somebody waits for it. */
function takenAway(libos: MemoryLibOS): { taken: QToken; next: () => QToken } {
  const qd = libos.queue();
  const taken = libos.pop(qd);
  let next = NaN;
  libos.spawn((function* () {
    yield* libos.operations.push(qd, libos.alloc(1));
    (yield* libos.operation(taken) as Operation<Sga | null>)?.free();
    next = libos.pop(qd);
  })());
  return { taken, next: () => next };
}

const CALLS: Readonly<Record<string, (libos: MemoryLibOS, qt: QToken) => unknown>> = {
  wait: (libos, qt) => libos.wait(qt, 1000),
  waitAny: (libos, qt) => libos.waitAny([qt], 1000),
  waitAll: (libos, qt) => libos.waitAll([qt], 1000),
};

for (const [name, call] of Object.entries(CALLS)) {
  Deno.test(`${name}() throws EINVAL when somebody else used the token up meanwhile`, async () => {
    await using libos = new MemoryLibOS();
    const { taken, next } = takenAway(libos);
    assertCode("EINVAL", () => call(libos, taken));
    // Nobody else's token was touched.
    libos.cancel(next());
    assertEquals(libos.waitNextN(2, 0).map(({ qt, opcode }) => [qt, opcode]), [[next(), "failed"]]);
    assertEquals(libos.statistics().tokens, 0);
  });
}
