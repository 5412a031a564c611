import { assertEquals } from "@std/assert";
import { makeSimd } from "../../../libos/runtime/memory/simd.ts";
import { fold } from "../../../libos/runtime/memory/memory.ts";

const PATH = "../../../libos/runtime/memory/simd.ts";

function makeMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 1 });
}

Deno.test("makeSimd() gives functions on the memory that it is given, and on no other", () => {
  const [one, other] = [makeMemory(), makeMemory()];
  const [simd, otherSimd] = [makeSimd(one)!, makeSimd(other)!];
  const bytes = new Uint8Array(one.buffer);
  bytes.set([1, 2, 3], 10);
  simd.copy(10, 20, 3);
  assertEquals([...bytes.subarray(19, 24)], [0, 1, 2, 3, 0]);
  assertEquals([simd.sum(20, 3), otherSimd.sum(20, 3)], [0x0204, 0]);
  assertEquals(new Uint8Array(other.buffer).some((byte) => byte !== 0), false);
});

Deno.test("makeSimd() works up to the last byte of the memory", () => {
  const simd = makeSimd(makeMemory())!;
  for (let length = 0; length < 200; length++) {
    const end = 65_536 - length;
    assertEquals([simd.sum(end, length), simd.copyAndSum(0, end, length)], [0, 0]);
    simd.copy(end, 0, length);
  }
});

Deno.test("the sum of Simd fits a number without sign, and folds", () => {
  const memory = makeMemory();
  new Uint8Array(memory.buffer).fill(0xff);
  const total = makeSimd(memory)!.sum(0, 65_535);
  assertEquals(total, 32_767 * 0xffff + 0xff);
  assertEquals(fold(total), 0xff);
});

Deno.test("makeSimd() gives nothing where WebAssembly has no SIMD", async () => {
  const { validate } = WebAssembly;
  WebAssembly.validate = () => false;
  try {
    // The module asks once, so this is another one of it.
    const other: typeof import("../../../libos/runtime/memory/simd.ts") = await import(
      `${PATH}?without`
    );
    assertEquals(other.makeSimd(makeMemory()), null);
  } finally {
    WebAssembly.validate = validate;
  }
});
