/**
 * The assembler of eBPF, against the kernel's own verifier, and what the program for an interface decides.
 *
 * @module
 */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { assemble } from "../../ffi/bpf/assemble.ts";
import { loadXdp, makeSocketMap, runXdp, VerifierError, XDP } from "../../ffi/bpf/bpf.ts";
import { filterFor, takeByMap } from "../../libos/devices/xdp/program.ts";
import { IpAddress } from "../../libos/inetstack/ip_address.ts";
import { libc } from "../../ffi/libc/load.ts";
import { LibcError } from "../../ffi/libc/call.ts";
import { needing } from "../_needs.ts";

function missingBpf(): string | undefined {
  if (Deno.build.os !== "linux") return "needs Linux";
  try {
    libc().close(loadXdp(assemble("r0 = 2\nexit")));
    return undefined;
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    return "needs root, or CAP_BPF and CAP_NET_ADMIN";
  }
}

const missing = missingBpf();

/** Loads a program, runs it on a frame, and lets go of it. */
function run(text: string, frame = new Uint8Array(64)): number {
  const program = loadXdp(assemble(text));
  try {
    return runXdp(program, frame);
  } finally {
    libc().close(program);
  }
}

Deno.test("assemble() makes the instructions that the kernel's headers name", () => {
  const cases: [string, number[]][] = [
    ["r6 = r1", [0xbf, 0x16, 0, 0, 0, 0, 0, 0]],
    ["w6 = w1", [0xbc, 0x16, 0, 0, 0, 0, 0, 0]],
    ["r0 = -2", [0xb7, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff]],
    ["r2 = *(u32 *)(r1 + 16)", [0x61, 0x12, 16, 0, 0, 0, 0, 0]],
    ["r2 = *(u16 *)(r10 - 8)", [0x69, 0xa2, 0xf8, 0xff, 0, 0, 0, 0]],
    ["*(u8 *)(r10 - 1) = r3", [0x73, 0x3a, 0xff, 0xff, 0, 0, 0, 0]],
    ["*(u64 *)(r10 - 8) = 7", [0x7a, 0x0a, 0xf8, 0xff, 7, 0, 0, 0]],
    ["r4 += 14", [0x07, 0x04, 0, 0, 14, 0, 0, 0]],
    ["w4 <<= 3", [0x64, 0x04, 0, 0, 3, 0, 0, 0]],
    ["r4 &= r5", [0x5f, 0x54, 0, 0, 0, 0, 0, 0]],
    ["r1 = map 9", [0x18, 0x11, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["call 51", [0x85, 0, 0, 0, 51, 0, 0, 0]],
    ["exit", [0x95, 0, 0, 0, 0, 0, 0, 0]],
    ["end:\ngoto end", [0x05, 0, 0xff, 0xff, 0, 0, 0, 0]],
    ["if r4 > r3 goto end\nend:", [0x2d, 0x34, 0, 0, 0, 0, 0, 0]],
    ["if w4 == 0xffffffff goto end // all\nend:", [0x16, 4, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    ["if r4 s> -1 goto end\nend:", [0x65, 4, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    ["if r4 & 8 goto end\nend:", [0x45, 4, 0, 0, 8, 0, 0, 0]],
  ];
  for (const [text, bytes] of cases) assertEquals([...assemble(text)], bytes, text);
});

Deno.test("assemble() counts a map as two instructions when it jumps", () => {
  const [, , offset] = assemble("goto end\nr1 = map 3\nend:\nexit");
  assertEquals(offset, 2);
});

Deno.test("assemble() tells which line is none", () => {
  const wrong: [string, string][] = [
    ["r0 := 2", '"r0 := 2" is no instruction'],
    ["r0 ?= 2", "is no instruction"],
    ["if r0 =! 2 goto a\na:", "is no instruction"],
    ["r0 = *(u24 *)(r1 + 0)", "is no instruction"],
    ["r11 = 2", "has a register that there is not"],
    ["goto nowhere", "jumps to nowhere"],
    ["a:\na:", "is there twice"],
    ["r0 = 0x100000000", "over 32 bits"],
    ["r0 = *(u8 *)(r1 + 40000)", "too far"],
    ["jump", "is no instruction"],
  ];
  for (const [text, said] of wrong) {
    assertStringIncludes(assertThrows(() => assemble(text), SyntaxError).message, said);
  }
});

Deno.test(needing(missing, "the kernel computes what assemble() says"), () => {
  const cases: [string, number][] = [
    ["r0 = 7\nr0 *= 6\nr0 -= 40", 2],
    ["r1 = 12\nr0 = 100\nr0 /= r1\nr0 %= 5", 3],
    ["w0 = -1\nr0 >>= 31", 1],
    ["r0 = 5\nr0 ^= 1\nr0 |= 2\nr0 &= 3", 2],
    ["r0 = 1\nr0 <<= 2", 4],
    ["*(u32 *)(r10 - 4) = 3\nr0 = *(u8 *)(r10 - 4)", 3],
    ["r1 = 4\n*(u64 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)", 4],
    ["r0 = 1\nr1 = -1\nif r1 s> 0 goto no\nr0 = 2\nno:", 2],
    ["r0 = 1\nr1 = -1\nif r1 > 0 goto yes\nr0 = 2\nyes:", 1],
    ["r0 = 1\nw1 = -1\nif w1 == 0xffffffff goto yes\nr0 = 2\nyes:", 1],
  ];
  for (const [text, answer] of cases) assertEquals(run(`${text}\nexit`), answer, text);
});

Deno.test(needing(missing, "loadXdp() tells what the verifier says"), () => {
  const error = assertThrows(() => loadXdp(assemble("r0 = *(u8 *)(r1 + 0)\nexit")), VerifierError);
  assertStringIncludes(error.message, "invalid bpf_context access");
});

const OURS = ["10.0.0.2", "10.0.0.3", "fd00::2", "fd00::1:3"].map((text) => IpAddress.parse(text)!);

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return IpAddress.parse(text)!.bytes;
}

/** A frame of a type, with bytes at offsets. */
function frame(type: number, parts: Readonly<Record<number, Iterable<number>>>, length = 90) {
  const made = new Uint8Array(length);
  made.set([type >> 8, type & 0xff], 12);
  for (const [at, part] of Object.entries(parts)) made.set([...part], Number(at));
  return made;
}

const ARP = 0x0806;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;

/** Frames, and whether they are the libOS's. */
const FRAMES: readonly [string, Uint8Array<ArrayBuffer>, boolean][] = [
  ["ARP that asks for us", frame(ARP, { 38: bytes("10.0.0.3") }), true],
  ["ARP in our name", frame(ARP, { 28: bytes("10.0.0.2"), 38: bytes("10.0.0.9") }), true],
  ["ARP for another", frame(ARP, { 28: bytes("10.0.0.8"), 38: bytes("10.0.0.9") }), false],
  ["ARP cut short", frame(ARP, { 28: bytes("10.0.0.2") }, 41), false],
  ["IPv4 to us", frame(IPV4, { 30: bytes("10.0.0.2") }), true],
  ["IPv4 from us", frame(IPV4, { 26: bytes("10.0.0.2"), 30: bytes("10.0.0.9") }), false],
  ["IPv4 to all", frame(IPV4, { 30: bytes("255.255.255.255") }), false],
  ["IPv4 of the least length", frame(IPV4, { 30: bytes("10.0.0.2") }, 34), true],
  ["IPv4 cut short", frame(IPV4, { 20: bytes("10.0.0.2") }, 33), false],
  ["IPv6 to us", frame(IPV6, { 38: bytes("fd00::2") }), true],
  ["IPv6 to us, the last address", frame(IPV6, { 38: bytes("fd00::1:3") }), true],
  ["IPv6 to another", frame(IPV6, { 38: bytes("fd00::3") }), false],
  ["IPv6 to a group", frame(IPV6, { 38: bytes("ff02::1") }), false],
  ["a solicitation of us", neighbour(135, "fd00::1:3"), true],
  ["an advertisement of us", neighbour(136, "fd00::2"), true],
  ["a solicitation of another", neighbour(135, "fd00::7"), false],
  ["a router's advertisement", neighbour(134, "fd00::2"), false],
  ["a solicitation cut short", neighbour(135, "fd00::2").slice(0, 77), false],
  ["a tag", frame(0x8100, { 16: [8, 0], 34: bytes("10.0.0.2") }), false],
  ["14 bytes", frame(IPV4, {}, 14), false],
];

function neighbour(type: number, target: string): Uint8Array<ArrayBuffer> {
  return frame(IPV6, { 20: [58], 38: bytes("ff02::1:ff00:2"), 54: [type], 62: bytes(target) });
}

Deno.test(
  needing(missing, "an interface's program takes what is for its addresses, and no more"),
  () => {
    const program = loadXdp(assemble(filterFor(OURS, `r0 = ${XDP.TX}\nexit`)));
    try {
      for (const [what, frame, isOurs] of FRAMES) {
        assertEquals(runXdp(program, frame), isOurs ? XDP.TX : XDP.PASS, what);
      }
    } finally {
      libc().close(program);
    }
  },
);

Deno.test(
  needing(missing, "an interface's program is taken by the verifier for one address and for 64"),
  () => {
    const map = makeSocketMap(1);
    try {
      const many = Array.from(
        { length: 64 },
        (_, i) => IpAddress.parse(i % 2 === 0 ? `10.0.1.${i}` : `fd00::${i}`)!,
      );
      for (const addresses of [OURS.slice(0, 1), OURS.slice(2, 3), many]) {
        const program = loadXdp(assemble(filterFor(addresses, takeByMap(map))));
        // Without a socket in the map everything passes.
        assertEquals(runXdp(program, FRAMES[0]![1]), XDP.PASS);
        libc().close(program);
      }
    } finally {
      libc().close(map);
    }
  },
);
