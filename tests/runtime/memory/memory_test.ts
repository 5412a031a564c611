/**
 * Copies and sums, against the plain ones, over lengths and alignments.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
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

function filled(): Memory {
  const memory = new Memory(new ArrayBuffer(SIZE));
  for (let i = 0; i < SIZE; i++) memory.u8[i] = Math.imul(i + 1, 0x9e3779b1) >>> 24;
  return memory;
}

const LENGTHS = [...Array(140).keys(), 536, 1447, 1448, 1449];

Deno.test("sum() is what adding words up gives, at every alignment and length", () => {
  const memory = filled();
  for (let offset = 0; offset < 8; offset++) {
    for (const length of LENGTHS) {
      const expected = plainSum(memory.u8.subarray(offset, offset + length));
      if (!same(sum(memory, offset, length), expected)) assertEquals([offset, length], []);
    }
  }
});

Deno.test("sum() folds the largest values", () => {
  const memory = new Memory(new ArrayBuffer(65_536));
  memory.u8.fill(0xff);
  assertEquals([65_534, 65_520, 4].map((length) => sum(memory, 0, length)), [
    0xffff,
    0xffff,
    0xffff,
  ]);
  assertEquals(sum(memory, 0, 65_535), 0xff);
});

Deno.test("copyAndSum() copies what it sums, and nothing else, at every alignment and length", () => {
  const from = filled();
  for (let fromOffset = 0; fromOffset < 4; fromOffset++) {
    for (let toOffset = 0; toOffset < 4; toOffset++) {
      for (const length of LENGTHS) {
        const to = new Memory(new ArrayBuffer(SIZE));
        const total = copyAndSum(from, fromOffset, to, toOffset + 8, length);
        const source = from.u8.subarray(fromOffset, fromOffset + length);
        assertEquals(to.u8.subarray(toOffset + 8, toOffset + 8 + length), source);
        assertEquals(to.u8.subarray(0, toOffset + 8).some((byte) => byte !== 0), false);
        assertEquals(to.u8.subarray(toOffset + 8 + length).some((byte) => byte !== 0), false);
        assertEquals(same(total, plainSum(source)), true, `${fromOffset} ${toOffset} ${length}`);
        const other = new Memory(new ArrayBuffer(SIZE));
        copy(from, fromOffset, other, toOffset + 8, length);
        assertEquals(other.u8, to.u8);
      }
    }
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
