import { assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import fc from "npm:fast-check@4.10.0";
import { BufferHeap } from "../../../libos/runtime/memory/heap.ts";
import { assertCode } from "../_assert.ts";
import { withFakeClock } from "../_memory_libos.ts";
import type { Sga } from "../../../libos/pdpix.ts";

/** An sga of several segments, each filled with bytes that count on. */
function filled(heap: BufferHeap, sizes: number[]) {
  const sga = heap.alloc(sizes);
  let next = 0;
  sizes.forEach((_, i) => sga.bytes(i).forEach((_, at, bytes) => bytes[at] = next++));
  return sga;
}

Deno.test("Sga.bytes() is memory: what is written there is read there", () => {
  using sga = new BufferHeap().alloc(4);
  sga.bytes().set([1, 2, 3, 4]);
  assertEquals([...sga.bytes()], [1, 2, 3, 4]);
});

Deno.test("Sga.bytes() throws EINVAL for a segment that it has not", () => {
  using sga = new BufferHeap().alloc([1, 1]);
  for (const segment of [2, -1, 0.5, NaN]) assertCode("EINVAL", () => sga.bytes(segment));
});

Deno.test("Sga.toUint8Array() copies all segments in order", () => {
  fc.assert(fc.property(fc.array(fc.nat(200), { minLength: 1, maxLength: 8 }), (sizes) => {
    using sga = filled(new BufferHeap(), sizes);
    const total = sizes.reduce((sum, size) => sum + size);
    assertEquals(sga.length, total);
    const copy = sga.toUint8Array();
    assertEquals([...copy], Array.from({ length: total }, (_, i) => i & 0xff));
    copy.fill(255);
    if (total > 0) assertEquals(sga.toUint8Array()[0], 0);
  }));
});

Deno.test("Sga.trim() keeps the range that it is given, and throws EINVAL for any other", () => {
  const part = fc.oneof(fc.integer({ min: -2, max: 12 }), fc.constantFrom(0.5, 1.5, NaN, Infinity));
  fc.assert(fc.property(fc.array(fc.tuple(part, part), { maxLength: 5 }), (ranges) => {
    using sga = filled(new BufferHeap(), [10, 3]);
    let rest = Array.from({ length: 10 }, (_, i) => i);
    for (const [start, length] of ranges) {
      const fits = Number.isInteger(start) && Number.isInteger(length) && start >= 0 &&
        length > 0 && start + length <= rest.length;
      if (fits) {
        sga.trim(start, length);
        rest = rest.slice(start, start + length);
      } else {
        assertCode("EINVAL", () => sga.trim(start, length));
      }
      assertEquals([...sga.toUint8Array()], [...rest, 10, 11, 12]);
      assertEquals(sga.length, rest.length + 3);
    }
  }));
});

Deno.test("Sga.clone() shares the memory, which is free once both are", () => {
  const heap = new BufferHeap();
  const sga = filled(heap, [3, 4]);
  sga.trim(1, 2);
  const copy = sga.clone();
  assertEquals([...copy.toUint8Array()], [1, 2, 3, 4, 5, 6]);
  sga.bytes()[0] = 9;
  assertEquals(copy.bytes()[0], 9);
  sga.free();
  assertEquals(heap.buffers, 2);
  assertEquals([...copy.toUint8Array()], [9, 2, 3, 4, 5, 6]);
  copy.free();
  assertEquals(heap.buffers, 0);
});

Deno.test("Sga.clone() can be trimmed without the other", () => {
  const heap = new BufferHeap();
  using sga = filled(heap, [4]);
  using copy = sga.clone();
  copy.trim(2, 2);
  assertEquals([...sga.bytes()], [0, 1, 2, 3]);
  assertEquals([...copy.bytes()], [2, 3]);
});

Deno.test("Sga.extend() takes all segments of another, whose handle frees and recycles nothing", () => {
  const heap = new BufferHeap();
  for (const dispose of ["free", "recycle"] as const) {
    const sga = filled(heap, [2, 1]);
    const other = filled(heap, [1, 3]);
    sga.trim(1, 1);
    other.trim(0, 1);
    const kept = other.clone();
    sga.extend(other);
    other[dispose]();
    assertEquals([...sga.toUint8Array()], [1, 2, 0, 1, 2, 3]);
    assertEquals([sga.numsegs, sga.length, heap.buffers], [4, 6, 4]);
    sga.free();
    assertEquals([...kept.toUint8Array()], [0, 1, 2, 3]);
    kept.free();
    assertEquals(heap.buffers, 0);
  }
});

Deno.test("Sga.extend() refuses what is not the caller's, of another heap, or itself", () => {
  const heap = new BufferHeap();
  using sga = heap.alloc(1);
  using foreign = new BufferHeap().alloc(1);
  const freed = heap.alloc(1);
  freed.free();
  for (const one of [sga, foreign, freed, null, {}] as Sga[]) {
    assertCode("EINVAL", () => sga.extend(one));
  }
  assertEquals([sga.numsegs, foreign.length], [1, 1]);
});

Deno.test("Sga.clone() comes from where the other came from", () => {
  const heap = new BufferHeap();
  using sga = heap.alloc(1);
  const address = { hostname: "127.0.0.1", port: 7 };
  sga.describe(address, true);
  using copy = sga.clone();
  assertEquals(copy.address, address);
  assertEquals(copy.truncated, true);
});

Deno.test("Sga throws at every access after it was freed", () => {
  const sga = new BufferHeap().alloc(1);
  sga.free();
  for (const access of accesses(sga)) {
    assertStringIncludes(assertCode("EINVAL", access).message, "freed");
  }
});

Deno.test("Sga.free() throws EINVAL the second time", () => {
  const sga = new BufferHeap().alloc(1);
  sga.free();
  assertCode("EINVAL", () => sga.free());
});

Deno.test("Sga[Symbol.dispose]() is idempotent", () => {
  const heap = new BufferHeap();
  const sga = heap.alloc(1);
  for (let i = 0; i < 3; i++) sga[Symbol.dispose]();
  assertEquals(heap.buffers, 0);
});

Deno.test("Sga throws at every access while it is being pushed, and after", () => {
  const { libos } = withFakeClock();
  const qd = libos.queue();
  for (let i = 0; i < 256; i++) libos.wait(libos.push(qd, libos.alloc(1)));
  const sga = libos.alloc(1);
  const qt = libos.push(qd, sga);
  for (const access of accesses(sga)) {
    assertStringIncludes(assertCode("EINVAL", access).message, "was being pushed");
  }
  assertCode("EINVAL", () => libos.push(qd, sga));
  libos.pop(qd);
  assertEquals(libos.wait(qt, 0).opcode, "push");
  for (const access of accesses(sga)) {
    assertStringIncludes(assertCode("EINVAL", access).message, "was pushed");
  }
  assertCode("EINVAL", () => libos.push(qd, sga));
  assertCode("EINVAL", () => libos.free(sga));
});

Deno.test("Sga can be freed during and after a push, which goes on", () => {
  const { libos } = withFakeClock();
  const qd = libos.queue();
  {
    using sga = libos.alloc(2);
    sga.bytes().set([1, 2]);
    libos.wait(libos.push(qd, sga));
  }
  const completion = libos.wait(libos.pop(qd));
  assertEquals(completion.opcode, "pop");
  if (completion.opcode !== "pop") return;
  assertEquals([...completion.sga!.bytes()], [1, 2]);
  completion.sga!.free();
  assertEquals(libos.statistics().buffers, 0);
});

Deno.test("Sga freed while it is being pushed throws at free() ever after", () => {
  const { libos } = withFakeClock();
  const qd = libos.queue();
  for (let i = 0; i < 256; i++) libos.wait(libos.push(qd, libos.alloc(1)));
  const sga = libos.alloc(1);
  libos.push(qd, sga);
  sga.free();
  libos.wait(libos.pop(qd));
  assertCode("EINVAL", () => sga.free());
  sga[Symbol.dispose]();
});

Deno.test("Sga of one libOS is refused by another, and stays with the caller", () => {
  const { libos } = withFakeClock();
  const other = withFakeClock().libos;
  const sga = other.alloc(1);
  assertCode("EINVAL", () => libos.push(libos.queue(), sga));
  assertCode("EINVAL", () => libos.free(sga));
  sga.bytes();
  other.free(sga);
  assertEquals(other.statistics().buffers, 0);
});

Deno.test("Sga that was pushed leaves another handle to whoever pops it", () => {
  const { libos } = withFakeClock();
  const qd = libos.queue();
  const sga = libos.alloc([1, 2, 3]);
  libos.push(qd, sga);
  const completion = libos.wait(libos.pop(qd));
  if (completion.opcode !== "pop") throw new Error("no pop");
  using popped = completion.sga!;
  assertStrictEquals(popped === sga, false);
  assertEquals(popped.numsegs, 3);
});

function accesses(sga: Sga): (() => unknown)[] {
  return [
    () => sga.length,
    () => sga.numsegs,
    () => sga.address,
    () => sga.truncated,
    () => sga.bytes(),
    () => sga.toUint8Array(),
    () => sga.trim(0, 1),
    () => sga.clone(),
    () => sga.extend(sga),
  ];
}
