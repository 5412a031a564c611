/**
 * Memory of a file within memory of JavaScript's, and memory given back.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { addressOf } from "../../ffi/libc/memory.ts";
import { libc } from "../../ffi/libc/load.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { discard, Mapping } from "../../ffi/libc/map.ts";

const PAGE = 65_536;
const O_RDWR = 2;

/** A memory of four pages, whose bytes are all 7. */
function makeMemory(): Uint8Array<ArrayBuffer> {
  const { buffer } = new WebAssembly.Memory({ initial: 4, maximum: 4 });
  return new Uint8Array(buffer as ArrayBuffer).fill(7);
}

/** Opens a file of a page, whose bytes are all 9. */
function withFile(use: (fd: number, path: string) => void): void {
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeFileSync(path, new Uint8Array(PAGE).fill(9));
    const fd = libc().open(new TextEncoder().encode(`${path}\0`), O_RDWR);
    assert(fd >= 0);
    try {
      use(fd, path);
    } finally {
      libc().close(fd);
    }
  } finally {
    Deno.removeSync(path);
  }
}

/** What all bytes of each page are; -1 where they differ. */
function pages(memory: Uint8Array): number[] {
  return [0, 1, 2, 3].map((page) => {
    const bytes = memory.subarray(page * PAGE, (page + 1) * PAGE);
    return bytes.every((byte) => byte === bytes[0]) ? bytes[0]! : -1;
  });
}

Deno.test("Mapping puts a file over its bytes and no others, until it is let go of", () =>
  withFile((fd, path) => {
    const memory = makeMemory();
    const room = memory.subarray(PAGE, 3 * PAGE);
    const bytes = memory.subarray(2 * PAGE, 3 * PAGE);
    const mapping = new Mapping(room);
    assertEquals(mapping.address, addressOf(room));
    mapping.map(PAGE, PAGE, fd);
    assertEquals(pages(memory), [7, 7, 9, 7]);
    bytes[5] = 1;
    assertEquals(Deno.readFileSync(path)[5], 1);
    mapping.unmap(PAGE, PAGE);
    assertEquals(pages(memory), [7, 7, 0, 7]);
    bytes.fill(3);
    assertEquals(Deno.readFileSync(path)[6], 9);
  }));

Deno.test("Mapping and discard() refuse what are no whole pages, and leave them as they are", () =>
  withFile((fd) => {
    const memory = makeMemory();
    const wrong = [
      memory.subarray(1, PAGE + 1),
      memory.subarray(0, PAGE - 1),
      memory.subarray(PAGE, PAGE + 100),
      memory.subarray(PAGE, PAGE),
    ];
    for (const bytes of wrong) {
      assertThrows(() => new Mapping(bytes), RangeError, "whole pages");
      assertThrows(() => discard(bytes), RangeError, "whole pages");
    }
    const mapping = new Mapping(memory.subarray(0, 2 * PAGE));
    for (const [at, length] of [[1, PAGE], [0, 1], [0, 0], [PAGE, 2 * PAGE]] as const) {
      assertThrows(() => mapping.map(at, length, fd), RangeError);
      assertThrows(() => mapping.unmap(at, length), RangeError);
    }
    assertEquals(pages(memory), [7, 7, 7, 7]);
  }));

Deno.test("Mapping tells why a descriptor cannot be mapped, and leaves the memory as it is", () => {
  const memory = makeMemory();
  const error = assertThrows(() => new Mapping(memory).map(0, PAGE, -1), LibcError);
  assertEquals([error.message, error.errno], ["mmap failed with errno 9", 9]);
  assertEquals(pages(memory), [7, 7, 7, 7]);
});

Deno.test("discard() gives pages back, which are zero then, and no others", () => {
  const memory = makeMemory();
  discard(memory.subarray(PAGE, 3 * PAGE));
  assertEquals(pages(memory), [7, 0, 0, 7]);
});
