/**
 * Calling functions by their address: through one function of libffi's, `ffi_call`, which is a fast call of V8's, and so
 * thirty times as fast as `Deno.UnsafeFnPointer`. Arguments and result lie in memory.
 *
 * @module
 */

import { addressOf } from "../libc/memory.ts";
import { Words } from "../libc/words.ts";

/** Where libffi is. Debian has it wherever there is anything. */
const PATH = "libffi.so.8";

const SYMBOLS = {
  // ffi_status ffi_prep_cif(ffi_cif *cif, ffi_abi abi, unsigned int count, ffi_type *result, ffi_type **parameters)
  ffi_prep_cif: { parameters: ["buffer", "i32", "u32", "u64", "buffer"], result: "i32" },
  // void ffi_call(ffi_cif *cif, void (*function)(void), void *result, void **arguments)
  ffi_call: { parameters: ["u64", "u64", "u64", "u64"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libffi = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let library: Libffi | undefined;

/** `FFI_DEFAULT_ABI`: of x86-64 and of aarch64. */
const ABI = Deno.build.arch === "aarch64" ? 1 : 2;

/** `struct ffi_type`: size, alignment, and which it is, `<ffi.h>`. */
const TYPES = {
  u16: [2, 7],
  u32: [4, 9],
  i32: [4, 10],
  pointer: [8, 14],
} as const;

/** A type of an argument or a result. */
export type FfiType = keyof typeof TYPES;

/** Bytes of `ffi_cif`, and more. */
const CIF = 64;

const made = new Map<FfiType, { readonly bytes: Uint8Array<ArrayBuffer>; readonly at: number }>();

/** Where the description of a type is. */
function typeAt(type: FfiType): number {
  let entry = made.get(type);
  if (entry === undefined) {
    const [size, code] = TYPES[type];
    const view = new DataView(new ArrayBuffer(24));
    view.setBigUint64(0, BigInt(size), true);
    view.setUint16(8, size, true);
    view.setUint16(10, code, true);
    const bytes = new Uint8Array(view.buffer);
    entry = { bytes, at: addressOf(bytes) };
    made.set(type, entry);
  }
  return entry.at;
}

/** Places among the words: what `ffi_call` takes, the result, and then the arguments. */
const CIF_AT = 0;
const FUNCTION = 1;
const RESULT_AT = 2;
const ARGUMENTS_AT = 3;
const RESULT = 4;
const FIRST = 5;

/**
 * A function at an address, with its arguments.
 *
 * @example Call a function of libc by its address
 * ```ts ignore
 * const abs = new Trampoline(address, "i32", "i32");
 * abs.set(0, 2 ** 32 - 5);
 * abs.call(); // 5
 * ```
 */
export class Trampoline {
  readonly #libffi: Libffi;
  readonly #words: Words;
  readonly #result: Int32Array<ArrayBuffer>;
  readonly #cif = new Uint8Array(CIF);
  readonly #types: BigUint64Array<ArrayBuffer>;
  readonly #pointers: BigUint64Array<ArrayBuffer>;

  /**
   * A function with a result and parameters.
   *
   * @throws {Error} If there is no libffi, or it does not know the types.
   * @throws {Deno.errors.NotCapable} Without the permission to load it.
   */
  constructor(address: number, result: FfiType, ...parameters: readonly FfiType[]) {
    this.#libffi = library ??= Deno.dlopen(PATH, SYMBOLS).symbols;
    this.#words = new Words(FIRST + parameters.length);
    this.#result = new Int32Array(this.#words.u64.buffer, 8 * RESULT, 2);
    const words = addressOf(new Uint8Array(this.#words.u64.buffer));
    this.#types = BigUint64Array.from(parameters, (type) => BigInt(typeAt(type)));
    this.#pointers = BigUint64Array.from(parameters, (_, i) => BigInt(words + 8 * (FIRST + i)));
    const types = new Uint8Array(this.#types.buffer);
    const status = this.#libffi.ffi_prep_cif(
      this.#cif,
      ABI,
      parameters.length,
      BigInt(typeAt(result)),
      types,
    );
    if (status !== 0) throw new Error(`ffi_prep_cif failed with ${status}`);
    this.#words.set(CIF_AT, addressOf(this.#cif));
    this.#words.set(FUNCTION, address);
    this.#words.set(RESULT_AT, words + 8 * RESULT);
    this.#words.set(ARGUMENTS_AT, addressOf(new Uint8Array(this.#pointers.buffer)));
  }

  /** Sets an argument for this and all further calls: an integer from 0 to 2⁵³. */
  set(index: number, value: number): void {
    this.#words.set(FIRST + index, value);
  }

  /** Calls it. Gives the low 32 bits of the result, signed. */
  call(): number {
    const { u64 } = this.#words;
    this.#libffi.ffi_call(u64[CIF_AT]!, u64[FUNCTION]!, u64[RESULT_AT]!, u64[ARGUMENTS_AT]!);
    return this.#result[0]!;
  }
}
