/**
 * Copying and summing by 16 bytes, in WebAssembly, whose SIMD JavaScript has not.
 *
 * The three functions are one loop, with stores, sums or both. They work at every alignment and length.
 *
 * @module
 */

import { assemble, type WasmFunction } from "./assembler.ts";

/** Functions on one memory, by offsets in it. Sums are of at most 65 535 bytes, and not folded. */
export interface Simd {
  /** The sum of `length` bytes. */
  sum(from: number, length: number): number;
  /** Copies `length` bytes; the ranges must not overlap. */
  copy(from: number, to: number, length: number): void;
  /** Copies them, and gives their sum. */
  copyAndSum(from: number, to: number, length: number): number;
}

let compiled: WebAssembly.Module | null | undefined;

/** The functions for a memory; null where there is no SIMD. */
export function makeSimd(memory: WebAssembly.Memory): Simd | null {
  compiled ??= compile();
  if (compiled === null) return null;
  const { exports } = new WebAssembly.Instance(compiled, { memory: { memory } });
  const { sum, copy, copyAndSum } = exports as unknown as Simd;
  return { sum, copy, copyAndSum };
}

function compile(): WebAssembly.Module | null {
  const code = assemble({
    sum: loop(false, true),
    copy: loop(true, false),
    copyAndSum: loop(true, true),
  });
  return WebAssembly.validate(code) ? new WebAssembly.Module(code) : null;
}

/** The loop over a range: rounds of 64 bytes, then 32, 16, 8, 4, 2 and 1 byte as the length's bits say. */
function loop(copies: boolean, sums: boolean): WasmFunction {
  /** Takes what one load gives: stores it, adds it, or both. */
  function take(load: string, store: string, bytes: string, add: string): string {
    if (!copies) return `local.get from ${load} ${add}`;
    if (!sums) return `local.get to local.get from ${load} ${store}`;
    return `local.get to local.get from ${load} local.tee ${bytes} ${store} local.get ${bytes} ${add}`;
  }
  function takeWide(load: string, store: string): string {
    return take(
      load,
      store,
      "wide",
      "i32x4.extadd_pairwise_i16x8_u local.get lanes i32x4.add local.set lanes",
    );
  }
  function takeWhole(offset: number): string {
    return takeWide(`v128.load ${offset}`, `v128.store ${offset}`);
  }
  function takeNarrow(load: string, store: string): string {
    return take(load, store, "narrow", "local.get total i32.add local.set total");
  }
  function advance(size: number): string {
    return ["from", ...(copies ? ["to"] : [])].map((at) =>
      `local.get ${at} i32.const ${size} i32.add local.set ${at}`
    ).join(" ");
  }
  function ifLengthHas(bits: number, then: string): string {
    return `local.get length i32.const ${bits} i32.and if ${then} end`;
  }
  const round = [0, 16, 32, 48].map(takeWhole).join(" ");
  return {
    parameters: copies ? ["from", "to", "length"] : ["from", "length"],
    result: sums,
    locals: { end: "i32", narrow: "i32", total: "i32", wide: "v128", lanes: "v128" },
    code: `
      local.get from local.get length i32.const -64 i32.and i32.add local.tee end
      local.get from i32.ne if
        loop
          ${round} ${advance(64)}
          local.get from local.get end i32.ne br_if 0
        end
      end
      ${
      ifLengthHas(
        63,
        `
        ${ifLengthHas(32, `${takeWhole(0)} ${takeWhole(16)} ${advance(32)}`)}
        ${ifLengthHas(16, `${takeWhole(0)} ${advance(16)}`)}
        ${
          ifLengthHas(8, `${takeWide("v128.load64_zero 0", "v128.store64_lane 0 0")} ${advance(8)}`)
        }
        ${
          ifLengthHas(4, `${takeWide("v128.load32_zero 0", "v128.store32_lane 0 0")} ${advance(4)}`)
        }
        ${ifLengthHas(2, `${takeNarrow("i32.load16_u 0", "i32.store16 0")} ${advance(2)}`)}
        ${ifLengthHas(1, takeNarrow("i32.load8_u 0", "i32.store8 0"))}
      `,
      )
    }
      ${sums ? `local.get total ${[0, 1, 2, 3].map(addLane).join(" ")}` : ""}
    `,
  };
}

function addLane(lane: number): string {
  return `local.get lanes i32x4.extract_lane ${lane} i32.add`;
}
