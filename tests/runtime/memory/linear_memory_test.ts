import { assertEquals, assertThrows } from "@std/assert";
import { LinearMemory, PAGE } from "../../../libos/runtime/memory/linear_memory.ts";
import { assertCode } from "../_assert.ts";

Deno.test("LinearMemory.take() gives whole pages, the first ones that are free in one piece", () => {
  const linear = new LinearMemory();
  assertEquals([PAGE, 1, 2 * PAGE + 1, PAGE].map((length) => linear.take(length) / PAGE), [
    0,
    1,
    2,
    5,
  ]);
  linear.give(PAGE, PAGE);
  assertEquals([2 * PAGE, PAGE, PAGE].map((length) => linear.take(length) / PAGE), [6, 1, 8]);
});

Deno.test("LinearMemory.take() gives the last page, and then -1", () => {
  const linear = new LinearMemory();
  const size = linear.memory.u8.length;
  assertEquals(linear.take(size + 1), -1);
  assertEquals(linear.take(size - PAGE), 0);
  assertEquals(linear.take(PAGE + 1), -1);
  assertEquals(linear.take(PAGE), size - PAGE);
  assertEquals(linear.take(1), -1);
  linear.give(0, size);
  assertEquals(linear.take(size), 0);
});

Deno.test("LinearMemory.reserve() gives bytes for a device, and throws ENOMEM where there is no room", () => {
  const linear = new LinearMemory();
  linear.take(1);
  const bytes = linear.reserve(100);
  assertEquals([bytes.byteOffset, bytes.length, bytes.buffer], [
    PAGE,
    100,
    linear.memory.u8.buffer,
  ]);
  assertCode("ENOMEM", () => linear.reserve(linear.memory.u8.length));
});

Deno.test("LinearMemory asks for its address once, and gives back what it is given", () => {
  const given: [number, number][] = [];
  let asked = 0;
  const linear = new LinearMemory({
    addressOf: () => 4096 * ++asked,
    discard: (bytes) => void given.push([bytes.byteOffset, bytes.length]),
  });
  const one = linear.take(PAGE);
  const other = linear.take(3 * PAGE);
  linear.give(other, 3 * PAGE);
  linear.give(one, PAGE);
  assertEquals([linear.address, asked], [4096, 1]);
  assertEquals(given, [[PAGE, 3 * PAGE], [0, PAGE]]);
});

Deno.test("LinearMemory cannot be transferred away, and is nobody else's", () => {
  const { buffer } = new LinearMemory().memory.u8;
  assertThrows(() => structuredClone(buffer, { transfer: [buffer] }));
  assertEquals([buffer.detached, buffer instanceof SharedArrayBuffer], [false, false]);
});

Deno.test("LinearMemory is memory that is not there before it is touched", () => {
  const before = Deno.memoryUsage().rss;
  const linears = Array.from({ length: 8 }, () => new LinearMemory());
  const size = linears.reduce((sum, { memory }) => sum + memory.u8.length, 0);
  assertEquals(Deno.memoryUsage().rss - before < size / 4, true);
});
