import { assertEquals, assertThrows } from "@std/assert";
import { assemble, type WasmFunction } from "../../../libos/runtime/memory/assembler.ts";

function run(one: WasmFunction, ...numbers: number[]): unknown {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  const module = new WebAssembly.Module(assemble({ one }));
  const { exports } = new WebAssembly.Instance(module, { memory: { memory } });
  return (exports as unknown as { one: (...numbers: number[]) => unknown }).one(...numbers);
}

function constant(value: number): WasmFunction {
  return { parameters: [], result: true, locals: {}, code: `i32.const ${value}` };
}

Deno.test("assemble() makes a module that WebAssembly takes, byte for byte", () => {
  assertEquals([...assemble({ f: constant(5) })], [
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...[1, 5, 1, 0x60, 0, 1, 0x7f],
    ...[2, 18, 1, 6, ...new TextEncoder().encode("memory")],
    ...[6, ...new TextEncoder().encode("memory"), 2, 0, 0],
    ...[3, 2, 1, 0],
    ...[7, 5, 1, 1, 102, 0, 0],
    ...[10, 6, 1, 4, 0, 0x41, 5, 0x0b],
  ]);
});

Deno.test("assemble() writes numbers of every size", () => {
  const values = [0, 1, 63, 64, -1, -64, -65, 127, 128, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)];
  assertEquals(values.map((value) => run(constant(value))), values);
});

Deno.test("assemble() finds parameters and locals by their names", () => {
  const code = "local.get b local.set c local.get a local.get c i32.add";
  assertEquals(
    run({ parameters: ["a", "b"], result: true, locals: { c: "i32" }, code }, 40, 2),
    42,
  );
});

Deno.test("assemble() has loops and branches", () => {
  const code = `
    loop
      local.get total local.get left i32.add local.set total
      local.get left i32.const -1 i32.add local.tee left
      i32.const 0 i32.ne br_if 0
    end
    local.get total
  `;
  assertEquals(run({ parameters: ["left"], result: true, locals: { total: "i32" }, code }, 10), 55);
});

Deno.test("assemble() has vectors", () => {
  const code = `
    i32.const 64 i32.const 0 v128.load 0 v128.store 0
    i32.const 0 v128.load 64 i32x4.extadd_pairwise_i16x8_u i32x4.extract_lane 3
  `;
  assertEquals(run({ parameters: [], result: true, locals: {}, code }), 0x0e0d + 0x100f);
});

Deno.test("assemble() throws for what is no instruction, no local and no number", () => {
  const wrong = (code: string) => () =>
    assemble({ f: { parameters: [], result: false, locals: {}, code } });
  assertThrows(wrong("i32.lshift"), SyntaxError, "i32.lshift");
  assertThrows(wrong("local.get nowhere"), RangeError);
  assertThrows(wrong("i32.const five"), RangeError);
  assertThrows(wrong("i32.const"), RangeError);
  assertThrows(wrong("v128.load -1"), RangeError);
});
