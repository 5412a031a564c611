/**
 * Copies and sums, against the plainest ones, over lengths and alignments.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { LinearMemory } from "../../../libos/runtime/memory/linear_memory.ts";
import {
  copy,
  copyAndSum,
  fold,
  Memory,
  sum,
  swap16,
} from "../../../libos/runtime/memory/memory.ts";

const SIZE = 4096;

function plainSum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i++) total += i & 1 ? bytes[i]! << 8 : bytes[i]!;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** Sums of zero have two forms. */
function same(one: number, other: number): boolean {
  return one === other || (one % 0xffff === 0 && other % 0xffff === 0);
}

function fill(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i + 1, 0x9e3779b1) >>> 24;
}

const LENGTHS = [...Array(330).keys(), 536, 1447, 1448, 1449];

/** Where bytes are copied from and to: in one linear memory, where SIMD does it, or from one memory to another. */
const PLACES: Readonly<Record<string, () => [from: Memory, to: Memory, start: number]>> = {
  "in one linear memory": () => {
    const { memory } = new LinearMemory();
    return [memory, memory, 2 * SIZE];
  },
  "between two memories": () => {
    const [one, other] = [1, 2].map(() => new Memory(new ArrayBuffer(SIZE)));
    return [one!, other!, 0];
  },
  "within one memory without SIMD": () => {
    const memory = new Memory(new ArrayBuffer(4 * SIZE));
    return [memory, memory, 2 * SIZE];
  },
};

for (const [where, make] of Object.entries(PLACES)) {
  Deno.test(`sum() is what adding words up gives, at every alignment and length, ${where}`, () => {
    const [memory] = make();
    fill(memory.u8.subarray(0, SIZE));
    for (let offset = 0; offset < 16; offset++) {
      for (const length of LENGTHS) {
        const expected = plainSum(memory.u8.subarray(offset, offset + length));
        if (!same(sum(memory, offset, length), expected)) assertEquals([offset, length], []);
      }
    }
  });

  Deno.test(`copy() and copyAndSum() copy, and nothing else, at every alignment and length, ${where}`, () => {
    const [from, to, start] = make();
    fill(from.u8.subarray(0, SIZE));
    const target = to.u8.subarray(start, start + SIZE);
    for (let offset = 0; offset < 16; offset++) {
      for (let place = 8; place < 24; place++) {
        for (const length of LENGTHS) {
          const source = from.u8.subarray(offset, offset + length);
          const total = copyAndSum(from, offset, to, start + place, length);
          let right = same(total, plainSum(source)) && isCopy(source, target, place);
          target.fill(0, 0, length + 64);
          copy(from, offset, to, start + place, length);
          right &&= isCopy(source, target, place);
          target.fill(0, 0, length + 64);
          if (!right) assertEquals([offset, place, length], []);
        }
      }
    }
  });
}

/** Whether bytes are at a place of others, which are zero around them. */
function isCopy(source: Uint8Array, target: Uint8Array, place: number): boolean {
  const end = place + source.length;
  for (let i = 0; i < end + 40; i++) {
    if (target[i] !== (i < place || i >= end ? 0 : source[i - place])) return false;
  }
  return true;
}

Deno.test("sum() folds the largest values", () => {
  for (const memory of [new Memory(new ArrayBuffer(65_536)), new LinearMemory().memory]) {
    memory.u8.fill(0xff, 0, 65_536);
    for (const length of [65_534, 65_520, 4]) assertEquals(sum(memory, 0, length), 0xffff);
    assertEquals(sum(memory, 0, 65_535), 0xff);
    assertEquals(copyAndSum(memory, 0, memory, 0, 65_535), 0xff);
  }
});

Deno.test("fold() adds carries until there is none; swap16() turns bytes round", () => {
  assertEquals([0, 0xffff, 0x10000, 0x1ffff, 0x7fffffff].map(fold), [
    0,
    0xffff,
    1,
    1,
    0x8000 - 1 + 0,
  ]);
  assertEquals([0x1234, 0xff00, 1].map(swap16), [0x3412, 0x00ff, 0x0100]);
});

Deno.test("a buffer whose size is no whole number of words keeps all its bytes", () => {
  const memory = new Memory(new ArrayBuffer(7));
  assertEquals([memory.u8.length, memory.u16.length, memory.i32.length], [7, 3, 1]);
  memory.u8.set([1, 2, 3, 4, 5, 6, 7]);
  assertEquals(sum(memory, 0, 7), plainSum(memory.u8));
});
