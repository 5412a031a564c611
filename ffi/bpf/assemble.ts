/**
 * A small assembler of eBPF, whose language is what `bpftool prog dump xlated` prints:
 *
 * ```text
 *   r2 = *(u32 *)(r1 + 0)
 *   if r4 > r3 goto pass
 *   if w5 == 0x0608 goto arp
 *   r2 += 14
 *   *(u32 *)(r10 - 4) = r2
 *   r1 = map 7
 *   call 51
 * pass:
 *   r0 = 2
 *   exit
 * ```
 *
 * `r0` to `r10` are 64 bits wide, `w0` to `w9` their low halves. What follows `//` is not looked at.
 *
 * @module
 */

/** Classes of instructions, sizes of accesses and operations: `<linux/bpf.h>`, RFC 9669. */
const CLASS = {
  LD: 0x00,
  LDX: 0x01,
  ST: 0x02,
  STX: 0x03,
  ALU: 0x04,
  JMP: 0x05,
  JMP32: 0x06,
  ALU64: 0x07,
};
const SIZE: Readonly<Record<string, number>> = { u8: 0x10, u16: 0x08, u32: 0x00, u64: 0x18 };
const MEMORY = 0x60;
/** The second operand is a register. */
const REGISTER = 0x08;
const ALU: Readonly<Record<string, number>> = {
  "+=": 0x00,
  "-=": 0x10,
  "*=": 0x20,
  "/=": 0x30,
  "|=": 0x40,
  "&=": 0x50,
  "<<=": 0x60,
  ">>=": 0x70,
  "%=": 0x90,
  "^=": 0xa0,
  "=": 0xb0,
};
const JUMP: Readonly<Record<string, number>> = {
  "==": 0x10,
  ">": 0x20,
  ">=": 0x30,
  "&": 0x40,
  "!=": 0x50,
  "s>": 0x60,
  "s>=": 0x70,
  "<": 0xa0,
  "<=": 0xb0,
};
const GOTO = 0x00;
const CALL = 0x80;
const EXIT = 0x90;
/** `BPF_PSEUDO_MAP_FD`: the 64-bit value that is loaded is a map, given by its descriptor. */
const MAP_FD = 1;

/** Bytes of an instruction. */
export const INSTRUCTION = 8;

/** One instruction; `label` is where it jumps to. */
interface Instruction {
  readonly code: number;
  readonly target?: string | undefined;
  readonly source?: string | undefined;
  readonly offset?: string | number | undefined;
  readonly value?: string | number | undefined;
  readonly label?: string | undefined;
}

type Form = readonly [RegExp, (parts: readonly string[]) => Instruction];

const REG = "([rw]\\d+)";
const NUMBER = "(-?(?:0x[\\da-f]+|\\d+))";
const PLACE = "\\*\\((u\\d+) \\*\\)\\((r\\d+) ([+-] (?:0x[\\da-f]+|\\d+))\\)";

function form(pattern: string, make: (parts: readonly string[]) => Instruction): Form {
  return [new RegExp(`^${pattern}$`), make];
}

const FORMS: readonly Form[] = [
  form("exit", () => ({ code: CLASS.JMP | EXIT })),
  form(`call ${NUMBER}`, ([value]) => ({ code: CLASS.JMP | CALL, value })),
  form("goto (\\w+)", ([label]) => ({ code: CLASS.JMP | GOTO, label })),
  form(`${REG} = map ${NUMBER}`, ([target, value]) => ({
    code: CLASS.LD | SIZE.u64!,
    target,
    source: `r${MAP_FD}`,
    value,
  })),
  form(`${REG} = ${PLACE}`, ([target, size, source, offset]) => ({
    code: CLASS.LDX | MEMORY | SIZE[size!]!,
    target,
    source,
    offset,
  })),
  form(`${PLACE} = ${REG}`, ([size, target, offset, source]) => ({
    code: CLASS.STX | MEMORY | SIZE[size!]!,
    target,
    offset,
    source,
  })),
  form(`${PLACE} = ${NUMBER}`, ([size, target, offset, value]) => ({
    code: CLASS.ST | MEMORY | SIZE[size!]!,
    target,
    offset,
    value,
  })),
  form(`${REG} (\\S*=) ${REG}`, ([target, operation, source]) => ({
    code: wide(target!, CLASS.ALU64, CLASS.ALU) | REGISTER | ALU[operation!]!,
    target,
    source,
  })),
  form(`${REG} (\\S*=) ${NUMBER}`, ([target, operation, value]) => ({
    code: wide(target!, CLASS.ALU64, CLASS.ALU) | ALU[operation!]!,
    target,
    value,
  })),
  form(`if ${REG} (\\S+) ${REG} goto (\\w+)`, ([target, operation, source, label]) => ({
    code: wide(target!, CLASS.JMP, CLASS.JMP32) | REGISTER | JUMP[operation!]!,
    target,
    source,
    label,
  })),
  form(`if ${REG} (\\S+) ${NUMBER} goto (\\w+)`, ([target, operation, value, label]) => ({
    code: wide(target!, CLASS.JMP, CLASS.JMP32) | JUMP[operation!]!,
    target,
    value,
    label,
  })),
];

/**
 * Makes instructions of lines, as the kernel loads them.
 *
 * @throws {SyntaxError} With the line that is none, jumps to nowhere, or has a number that does not fit.
 *
 * @example A program that lets every packet pass
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { assemble } from "./assemble.ts";
 *
 * const program = assemble("r0 = 2\nexit");
 * assertEquals([...program], [0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
 * ```
 */
export function assemble(text: string): Uint8Array<ArrayBuffer> {
  const labels = new Map<string, number>();
  const instructions: { readonly line: string; readonly at: number; readonly is: Instruction }[] =
    [];
  let size = 0;
  for (const raw of text.split("\n")) {
    const line = raw.replace(/\/\/.*/, "").trim().replaceAll(/\s+/g, " ");
    if (line === "") continue;
    const label = /^(\w+):$/.exec(line)?.[1];
    if (label !== undefined) {
      if (labels.has(label)) throw wrong(line, "is there twice");
      labels.set(label, size);
      continue;
    }
    const is = read(line);
    instructions.push({ line, at: size, is });
    // A 64-bit value takes two.
    size += is.code === (CLASS.LD | SIZE.u64!) ? 2 : 1;
  }
  const view = new DataView(new ArrayBuffer(size * INSTRUCTION));
  for (const { line, at, is } of instructions) {
    const { code, target, source, value = 0, label } = is;
    let offset = Number(String(is.offset ?? 0).replace(" ", ""));
    if (label !== undefined) {
      const place = labels.get(label);
      if (place === undefined) throw wrong(line, "jumps to nowhere");
      offset = place - at - 1;
    }
    const number = Number(value);
    if (number < -(2 ** 31) || number >= 2 ** 32) throw wrong(line, "has a number of over 32 bits");
    if (offset < -32_768 || offset > 32_767) throw wrong(line, "is too far from there");
    view.setUint8(at * INSTRUCTION, code);
    view.setUint8(at * INSTRUCTION + 1, register(line, target) | register(line, source) << 4);
    view.setInt16(at * INSTRUCTION + 2, offset, true);
    view.setInt32(at * INSTRUCTION + 4, number | 0, true);
  }
  return new Uint8Array(view.buffer);
}

function read(line: string): Instruction {
  for (const [pattern, make] of FORMS) {
    const parts = pattern.exec(line);
    if (parts === null) continue;
    const instruction = make(parts.slice(1));
    // An operation or size that is not in its table.
    if (!Number.isNaN(instruction.code) && knows(parts)) return instruction;
  }
  throw wrong(line, "is no instruction");
}

/** Whether operations and sizes of a line are in their tables. */
function knows(parts: readonly string[]): boolean {
  return parts.slice(1).every((part) => {
    if (/^u\d+$/.test(part)) return Object.hasOwn(SIZE, part);
    if (/^[^\w\s-]|^s>/.test(part) && !/^[+-] /.test(part)) {
      return Object.hasOwn(parts[0]!.startsWith("if ") ? JUMP : ALU, part);
    }
    return true;
  });
}

function wide(name: string, full: number, half: number): number {
  return name.startsWith("r") ? full : half;
}

function register(line: string, name = "r0"): number {
  const number = Number(name.slice(1));
  if (number > 10) throw wrong(line, "has a register that there is not");
  return number;
}

function wrong(line: string, what: string): SyntaxError {
  return new SyntaxError(`eBPF: "${line}" ${what}`);
}
