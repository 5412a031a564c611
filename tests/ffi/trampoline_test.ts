/**
 * Calls by address are right, and fast: nothing is timed, Deno tells which foreign call was a fast one.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { needing } from "../_needs.ts";

/** Why there is no libffi; undefined if there is. */
function missingLibffi(): string | undefined {
  if (Deno.build.os !== "linux") return "needs Linux";
  try {
    Deno.dlopen("libffi.so.8", { ffi_call: { parameters: [], result: "void" } }).close();
    return undefined;
  } catch {
    return "needs libffi: apt install libffi8";
  }
}

const PROGRAM = `
  import { Trampoline } from "${import.meta.resolve("../../ffi/libffi/trampoline.ts")}";
  const { symbols } = Deno.dlopen("libc.so.6", {
    abs: { type: "pointer" },
    ffs: { type: "pointer" },
    memcmp: { type: "pointer" },
    ntohs: { type: "pointer" },
  });
  const at = (name) => Number(Deno.UnsafePointer.value(symbols[name]));
  const abs = new Trampoline(at("abs"), "i32", "i32");
  const ffs = new Trampoline(at("ffs"), "i32", "u32");
  const ntohs = new Trampoline(at("ntohs"), "u16", "u16");
  const memcmp = new Trampoline(at("memcmp"), "i32", "pointer", "pointer", "pointer");
  const bytes = new Uint8Array([1, 2, 3, 1, 2, 4]);
  const address = Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes)));
  memcmp.set(0, address);
  memcmp.set(1, address + 3);
  memcmp.set(2, 2);
  const equal = memcmp.call();
  memcmp.set(2, 3);
  let sum = 0;
  for (let i = 1; i <= 100_000; i++) {
    abs.set(0, 2 ** 32 - i);
    sum += abs.call();
    ffs.set(0, i);
    sum += ffs.call() & 0;
  }
  ffs.set(0, 64);
  ntohs.set(0, 0x1234);
  console.log(JSON.stringify([sum, ffs.call(), ntohs.call() & 0xffff, equal, Math.sign(memcmp.call())]));
  abs.call();
  console.log(Deno[Deno.internal].getTurbocallTarget());
  // Until here it is not to be collected.
  bytes.fill(0);
`;

Deno.test(
  needing(missingLibffi(), "Trampoline.call() calls by address, and is a fast call"),
  async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", PROGRAM],
      env: { DENO_UNSTABLE_FFI_TRACE_TURBO: "1" },
    }).output();
    const [values, call] = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(
      [values, call],
      ["[5000050000,7,13330,0,-1]", "ffi_call"],
      new TextDecoder().decode(stderr),
    );
  },
);
