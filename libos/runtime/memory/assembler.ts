/**
 * WebAssembly from text: as much of its text format as straight loops over memory need, one instruction after the other.
 *
 * Instructions are named as in the WebAssembly specification (section 5.4 has their codes), each followed by its
 * immediates; locals go by their names. A module imports one memory, `memory.memory`, and exports its functions.
 *
 * @module
 */

/** The types of values. */
const TYPES = { i32: 0x7f, v128: 0x7b } as const;

/** A type of values. */
export type WasmType = keyof typeof TYPES;

/** A function: what it takes are numbers, and what it gives, if anything, is one. */
export interface WasmFunction {
  /** The names of its parameters. */
  readonly parameters: readonly string[];
  /** Whether it gives a number. */
  readonly result: boolean;
  /** Its locals, beside the parameters. */
  readonly locals: Readonly<Record<string, WasmType>>;
  /** Its instructions, with white space between words. */
  readonly code: string;
}

/** What follows an instruction: a local; a number; an offset in memory, of data that need not be aligned; a block without a result. */
type Immediate = "local" | "number" | "offset" | "block";

const SIMD = 0xfd;

const INSTRUCTIONS: Readonly<Record<string, readonly [code: number[], ...Immediate[]]>> = {
  "loop": [[0x03], "block"],
  "if": [[0x04], "block"],
  "end": [[0x0b]],
  "br_if": [[0x0d], "number"],
  "local.get": [[0x20], "local"],
  "local.set": [[0x21], "local"],
  "local.tee": [[0x22], "local"],
  "i32.load8_u": [[0x2d], "offset"],
  "i32.load16_u": [[0x2f], "offset"],
  "i32.store8": [[0x3a], "offset"],
  "i32.store16": [[0x3b], "offset"],
  "i32.const": [[0x41], "number"],
  "i32.ne": [[0x47]],
  "i32.add": [[0x6a]],
  "i32.and": [[0x71]],
  "v128.load": [[SIMD, 0], "offset"],
  "v128.store": [[SIMD, 11], "offset"],
  "i32x4.extract_lane": [[SIMD, 27], "number"],
  "v128.store32_lane": [[SIMD, 90], "offset", "number"],
  "v128.store64_lane": [[SIMD, 91], "offset", "number"],
  "v128.load32_zero": [[SIMD, 92], "offset"],
  "v128.load64_zero": [[SIMD, 93], "offset"],
  "i32x4.extadd_pairwise_i16x8_u": [[SIMD, 127]],
  "i32x4.add": [[SIMD, 174]],
};

/** Makes the module of functions. Throws `SyntaxError` for what is no instruction, and `RangeError` for a wrong immediate. */
export function assemble(
  functions: Readonly<Record<string, WasmFunction>>,
): Uint8Array<ArrayBuffer> {
  const names = Object.keys(functions);
  const all = Object.values(functions);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, all.map(typeOf)),
    ...section(2, [[...text("memory"), ...text("memory"), 0x02, 0x00, 0]]),
    ...section(3, all.map((_, i) => unsigned(i))),
    ...section(7, names.map((name, i) => [...text(name), 0x00, ...unsigned(i)])),
    ...section(10, all.map(bodyOf)),
  ]);
}

function typeOf({ parameters, result }: WasmFunction): number[] {
  const taken = parameters.map(() => TYPES.i32);
  return [0x60, ...vector(taken.map((type) => [type])), ...vector(result ? [[TYPES.i32]] : [])];
}

function bodyOf({ parameters, locals, code }: WasmFunction): number[] {
  const names = [...parameters, ...Object.keys(locals)];
  const declared = vector(Object.values(locals).map((type) => [1, TYPES[type]]));
  const words = code.split(/\s+/).filter((word) => word !== "");
  const body: number[] = [];
  for (let i = 0; i < words.length;) {
    const word = words[i++]!;
    const instruction = INSTRUCTIONS[word];
    if (instruction === undefined) throw new SyntaxError(`No instruction of WebAssembly: ${word}`);
    const [opcode, ...immediates] = instruction;
    body.push(opcode[0]!, ...opcode.slice(1).flatMap(unsigned));
    for (const immediate of immediates) {
      if (immediate === "block") body.push(0x40);
      else if (immediate === "local") body.push(...unsigned(names.indexOf(words[i++]!)));
      else if (immediate === "offset") body.push(0, ...unsigned(Number(words[i++])));
      else body.push(...(word === "i32.const" ? signed : unsigned)(Number(words[i++])));
    }
  }
  const whole = [...declared, ...body, 0x0b];
  return [...unsigned(whole.length), ...whole];
}

function section(id: number, items: number[][]): number[] {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: number[][]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): number[] {
  return vector([...new TextEncoder().encode(name)].map((byte) => [byte]));
}

/** LEB128 of a number that is not negative. */
function unsigned(value: number): number[] {
  if (!(Number.isInteger(value) && value >= 0)) throw new RangeError(`A wrong immediate: ${value}`);
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a number of 32 bits. */
function signed(value: number): number[] {
  if (!Number.isInteger(value)) throw new RangeError(`A wrong immediate: ${value}`);
  return value >= -0x40 && value < 0x40
    ? [value & 0x7f]
    : [value & 0x7f | 0x80, ...signed(value >> 7)];
}
