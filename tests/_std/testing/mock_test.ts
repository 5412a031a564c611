import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { assertSpyCalls, spy, stub } from "@std/testing/mock";

Deno.test("spy() calls what it wraps, and records arguments, results and errors", () => {
  const half = spy((n: number) => {
    if (n % 2 !== 0) throw new RangeError("odd");
    return n / 2;
  });
  assertEquals(half(8), 4);
  const error = assertThrows(() => half(7), RangeError);
  assertSpyCalls(half, 2);
  assertEquals(half.calls.map(({ args, returned }) => [args, returned]), [[[8], 4], [
    [7],
    undefined,
  ]]);
  assertStrictEquals(half.calls[1]!.error, error);
  assertThrows(() => assertSpyCalls(half, 1));
});

Deno.test("stub() replaces a method until it is disposed of", () => {
  const counter = { step: 1, next: (n: number): number => n + 1 };
  const { next } = counter;
  {
    using fake = stub(counter, "next", (n) => n + 10);
    assertEquals(counter.next(1), 11);
    assertEquals([fake.calls[0]!.args, fake.calls[0]!.self, fake.restored], [[1], counter, false]);
  }
  assertStrictEquals(counter.next, next);
});
