import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { BufferHeap } from "../../../libos/runtime/memory/heap.ts";
import { LinearMemory } from "../../../libos/runtime/memory/linear_memory.ts";
import type { HeapSga } from "../../../libos/runtime/memory/sga.ts";
import { assertCode } from "../_assert.ts";

const REGION = 64 * 1024;

Deno.test("BufferHeap.alloc() takes the smallest power of two that holds the size", () => {
  const heap = new BufferHeap();
  const classes: [size: number, bytes: number][] = [
    [0, 64],
    [1, 64],
    [64, 64],
    [65, 128],
    [128, 128],
    [129, 256],
    [1500, 2048],
    [65536, 65536],
    [65537, 131072],
    [1 << 20, 1 << 20],
  ];
  for (const [size, bytes] of classes) {
    using sga = heap.alloc(size);
    assertEquals(sga.length, size);
    assertEquals(sga.bytes().length, size);
    assertEquals(heap.bufferBytes, bytes);
  }
  assertEquals(heap.bufferBytes, 0);
});

Deno.test("BufferHeap.alloc() allocates exactly what is larger than the largest class", () => {
  const heap = new BufferHeap();
  const before = heap.heapBytes;
  const size = (1 << 20) + 1;
  const sga = heap.alloc(size);
  assertEquals(heap.bufferBytes, size);
  assertEquals(heap.heapBytes, before + size);
  sga.free();
  assertEquals(heap.heapBytes, before);
});

Deno.test("BufferHeap.alloc() makes one segment for each size", () => {
  const heap = new BufferHeap();
  using sga = heap.alloc([10, 0, 3000]);
  assertEquals(sga.numsegs, 3);
  assertEquals(sga.length, 3010);
  assertEquals([0, 1, 2].map((i) => sga.bytes(i).length), [10, 0, 3000]);
  assertEquals(heap.buffers, 3);
});

Deno.test("BufferHeap.alloc() throws EINVAL for what is no size, and takes nothing", () => {
  const heap = new BufferHeap();
  for (const size of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assertCode("EINVAL", () => heap.alloc(size));
    assertCode("EINVAL", () => heap.alloc([64, size]));
  }
  assertCode("EINVAL", () => heap.alloc([]));
  assertEquals(heap.buffers, 0);
  assertEquals(heap.bufferBytes, 0);
});

Deno.test("BufferHeap.alloc() throws ENOMEM for more than can be had, and takes nothing", () => {
  const heap = new BufferHeap();
  assertCode("ENOMEM", () => heap.alloc(Number.MAX_SAFE_INTEGER));
  assertCode("ENOMEM", () => heap.alloc([64, Number.MAX_SAFE_INTEGER]));
  assertEquals(heap.buffers, 0);
  assertEquals(heap.bufferBytes, 0);
});

Deno.test("BufferHeap gives regions back, but for 512 KiB, or one, of each class", () => {
  const heap = new BufferHeap();
  const sgas = Array.from({ length: 20 * REGION / 1024 }, () => heap.alloc(1024));
  const spread = Array.from({ length: 5 }, () => heap.alloc(1 << 20));
  assertEquals(heap.heapBytes, 20 * REGION + 5 * (1 << 20));
  for (const sga of [...sgas, ...spread]) sga.free();
  assertEquals(heap.heapBytes, 8 * REGION + (1 << 20));
  assertEquals(heap.buffers, 0);
});

Deno.test("BufferHeap gives the system back what it drops, and uses it again", () => {
  const given: [offset: number, length: number][] = [];
  const heap = new BufferHeap({
    discard: (bytes) => void given.push([bytes.byteOffset, bytes.length]),
  });
  const [one, other] = [heap.alloc(1 << 20), heap.alloc(1 << 20)];
  const offset = other.bytes().byteOffset;
  one.free();
  assertEquals(given, []);
  other.free();
  assertEquals(given, [[offset, 1 << 20]]);
  using again = heap.alloc(REGION);
  assertEquals(again.bytes().byteOffset, offset);
});

Deno.test("BufferHeap has all its buffers in one memory, and in another when that is full", () => {
  const heap = new BufferHeap();
  const first = heap.linear.memory;
  const sgas = Array.from({ length: 65 }, () => heap.alloc(1 << 20));
  assertEquals(sgas.filter((sga) => sga.firstChunk.memory === first).length, 64);
  sgas[64]!.bytes().fill(7);
  const starts = new Set(
    sgas.map(({ firstChunk: { memory, start } }) => `${memory === first} ${start}`),
  );
  assertEquals(starts.size, 65);
  for (const sga of sgas) sga.free();
  assertEquals([heap.buffers, heap.heapBytes], [0, 1 << 20]);
  using sga = heap.alloc(64);
  assertEquals(sga.firstChunk.memory, first);
});

Deno.test("BufferHeap begins with the memory that it is given, beside what is reserved there", () => {
  const linear = new LinearMemory();
  const reserved = linear.reserve(REGION + 1).fill(1);
  const heap = new BufferHeap({ linear });
  using sga = heap.alloc(64);
  assertEquals([sga.firstChunk.memory, sga.firstChunk.start], [linear.memory, 2 * REGION]);
  sga.bytes().fill(2);
  assert(reserved.every((byte) => byte === 1));
});

Deno.test("BufferHeap gives regions back in whatever order the buffers are freed", () => {
  const heap = new BufferHeap();
  const perRegion = REGION / 1024;
  const sgas = Array.from({ length: 15 * perRegion }, () => heap.alloc(1024));
  const even = sgas.filter((_, i) => Math.trunc(i / 2) % 2 === 0);
  const odd = sgas.filter((_, i) => Math.trunc(i / 2) % 2 === 1);
  for (const sga of [...even, ...odd]) sga.free();
  assertEquals(heap.heapBytes, 8 * REGION);
});

Deno.test("BufferHeap makes and drops no region while its need goes up and down", () => {
  let given = 0;
  const heap = new BufferHeap({ discard: () => given++ });
  for (let i = 0; i < 100; i++) {
    const sgas = Array.from({ length: 5 * REGION / 1024 }, () => heap.alloc(1024));
    for (const sga of sgas) sga.free();
  }
  assertEquals([given, heap.heapBytes], [0, 5 * REGION]);
});

Deno.test("BufferHeap keeps its spare region while one buffer comes and goes", () => {
  const heap = new BufferHeap();
  heap.alloc(100).free();
  const held = heap.heapBytes;
  for (let i = 0; i < 1000; i++) {
    using _sga = heap.alloc(100);
    assertEquals(heap.heapBytes, held);
  }
});

Deno.test("BufferHeap asks for the address of its memory once, and of each large buffer", () => {
  let asked = 0;
  const heap = new BufferHeap({ addressOf: () => 0x1000_0000 * ++asked });
  const sgas = Array.from({ length: 10 }, () => heap.alloc(1024));
  assertEquals(asked, 1);
  assertEquals(
    sgas.map((sga) => sga.firstAddress),
    sgas.map((sga) => 0x1000_0000 + sga.bytes().byteOffset),
  );
  using large = heap.alloc(2 << 20);
  assertEquals(large.firstAddress, 0x2000_0000);
  for (const sga of sgas) sga.free();
});

Deno.test("BufferHeap keeps a recycled sga back, so that a late use of it throws", () => {
  const heap = new BufferHeap();
  const stale = heap.alloc(64);
  stale.recycle();
  for (let i = 0; i < 64; i++) {
    const sga = heap.alloc(64);
    assertNotEquals(sga === stale, true);
    assertCode("EINVAL", () => stale.bytes());
    sga.recycle();
  }
});

Deno.test('BufferHeap never uses a freed sga again, so that "using" is right beside free()', () => {
  const heap = new BufferHeap();
  const stale = heap.alloc(64);
  stale.free();
  const others = Array.from({ length: 500 }, () => heap.alloc(64));
  stale[Symbol.dispose]();
  for (const other of others) other.free();
  assertEquals(heap.buffers, 0);
});

Deno.test("BufferHeap makes no sga while enough were recycled", () => {
  const heap = new BufferHeap();
  const seen = new Set<unknown>();
  for (let i = 0; i < 1000; i++) {
    const sga = heap.alloc(64);
    seen.add(sga);
    sga.recycle();
  }
  assertEquals(seen.size, 65);
});

Deno.test("BufferHeap in debug mode poisons what is freed", () => {
  const heap = new BufferHeap({ debug: true });
  const sga = heap.alloc(100);
  const bytes = sga.bytes().fill(1);
  sga.free();
  assert(bytes.every((byte) => byte === 0xdb));
});

Deno.test("BufferHeap in debug mode detects a write after free, and tells whose it was", () => {
  const heap = new BufferHeap({ debug: true });
  const bytes = allocateHere(heap);
  bytes[3] = 1;
  const error = assertCode("EFAULT", () => heap.alloc(100));
  assertStringIncludes(error.message, "byte 3");
  assertStringIncludes(error.message, "allocateHere");
});

Deno.test("BufferHeap holds no buffer on behalf of an alloc that found a write after free", () => {
  const heap = new BufferHeap({ debug: true });
  allocateHere(heap)[3] = 1;
  assertCode("EFAULT", () => heap.alloc(100));
  assertEquals(heap.buffers, 0);
  assertEquals(heap.bufferBytes, 0);
  assertEquals(heap.origins, []);
});

Deno.test("BufferHeap in debug mode never uses a recycled sga again", () => {
  const heap = new BufferHeap({ debug: true });
  const stale = heap.alloc(64);
  stale.recycle();
  for (let i = 0; i < 500; i++) heap.alloc(64).recycle();
  assertCode("EINVAL", () => stale.bytes());
});

Deno.test("BufferHeap.origins in debug mode tells where each buffer held was allocated", () => {
  const heap = new BufferHeap({ debug: true });
  allocateHere(heap);
  using _kept = heap.alloc([1, 2]);
  assertEquals(heap.origins.length, 2);
  for (const origin of heap.origins) assertStringIncludes(origin, "heap_test.ts");
});

function allocateHere(heap: BufferHeap): Uint8Array {
  using sga = heap.alloc(100);
  return sga.bytes();
}

Deno.test("BufferHeap frees the memory of a large buffer at once when nothing holds it any more", () => {
  const heap = new BufferHeap();
  const sga = heap.alloc(2 << 20);
  const { buffer } = sga.bytes();
  const clone = sga.clone();
  sga.free();
  assertEquals(buffer.detached, false);
  clone.free();
  assertEquals(buffer.detached, true);
});

/** Takes the memory of an sga away, as posting it to a worker does. */
function transfer(sga: HeapSga): void {
  structuredClone(sga.bytes(), { transfer: [sga.bytes().buffer] });
}

for (const debug of [false, true]) {
  const mode = debug ? "debug mode" : "normal mode";

  Deno.test(`BufferHeap keeps the memory of a buffer that somebody tries to transfer (${mode})`, () => {
    const heap = new BufferHeap({ debug });
    using sga = heap.alloc(100);
    sga.bytes().fill(5);
    assertThrows(() => transfer(sga));
    assert(sga.bytes().every((byte) => byte === 5));
  });

  Deno.test(`BufferHeap counts a large buffer that was transferred away until it is freed (${mode})`, () => {
    const heap = new BufferHeap({ debug });
    const sga = heap.alloc(2 << 20);
    transfer(sga);
    assertCode("EFAULT", () => sga.bytes());
    assertEquals(heap.bufferBytes, 2 << 20);
    sga.free();
    assertEquals([heap.bufferBytes, heap.heapBytes], [0, 0]);
  });
}
