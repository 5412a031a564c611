/**
 * bpf(2): loading a program, and letting it see what comes to an interface.
 *
 * @module
 */

import { addressOf, errno } from "../libc/memory.ts";
import { INSTRUCTION } from "./assemble.ts";
import { libc } from "../libc/load.ts";
import { LibcError } from "../libc/call.ts";

/** The number of the system call. */
const SYSCALL = Deno.build.arch === "aarch64" ? 280n : 321n;

/** `enum bpf_cmd`. */
const COMMAND = {
  MAP_CREATE: 0n,
  MAP_UPDATE_ELEM: 2n,
  PROG_LOAD: 5n,
  PROG_TEST_RUN: 10n,
  LINK_CREATE: 28n,
};

/** `enum bpf_prog_type`, `bpf_map_type`, `bpf_attach_type`. */
const PROG_TYPE_XDP = 6;
const MAP_TYPE_XSKMAP = 17;
const ATTACH_XDP = 37;

/** `XDP_FLAGS_*`, `<linux/if_link.h>`: where a program sits, in the kernel or in the driver. */
export const XDP_FLAGS = { SKB_MODE: 2, DRV_MODE: 4 } as const;

/** What an XDP program answers, `<linux/bpf.h>`. */
export const XDP = { ABORTED: 0, DROP: 1, PASS: 2, TX: 3, REDIRECT: 4 } as const;

/** Bytes of the verifier's log that are kept. */
const LOG = 65_536;

/** The verifier did not take a program. */
export class VerifierError extends Error {
  override readonly name = "VerifierError";
}

/** Makes a map from queue numbers to AF_XDP sockets; gives its descriptor. Throws `LibcError`. */
export function makeSocketMap(entries: number): number {
  const attributes = new DataView(new ArrayBuffer(72));
  attributes.setUint32(0, MAP_TYPE_XSKMAP, true);
  attributes.setUint32(4, 4, true);
  attributes.setUint32(8, 4, true);
  attributes.setUint32(12, entries, true);
  return bpf("BPF_MAP_CREATE", COMMAND.MAP_CREATE, attributes);
}

/** Puts a descriptor into a map. Throws `LibcError`. */
export function setInMap(map: number, key: number, fd: number): void {
  const pair = new Uint8Array(Int32Array.of(key, fd).buffer);
  const attributes = new DataView(new ArrayBuffer(32));
  attributes.setUint32(0, map, true);
  attributes.setBigUint64(8, BigInt(addressOf(pair)), true);
  attributes.setBigUint64(16, BigInt(addressOf(pair)) + 4n, true);
  bpf("BPF_MAP_UPDATE_ELEM", COMMAND.MAP_UPDATE_ELEM, attributes);
}

/**
 * Loads an XDP program; gives its descriptor. Throws `LibcError`, and {@linkcode VerifierError} with the end of what the
 * verifier says.
 */
export function loadXdp(program: Uint8Array<ArrayBuffer>): number {
  const license = new TextEncoder().encode("GPL\0");
  const log = new Uint8Array(LOG);
  const attributes = new DataView(new ArrayBuffer(128));
  attributes.setUint32(0, PROG_TYPE_XDP, true);
  attributes.setUint32(4, program.length / INSTRUCTION, true);
  attributes.setBigUint64(8, BigInt(addressOf(program)), true);
  attributes.setBigUint64(16, BigInt(addressOf(license)), true);
  attributes.setUint32(68, ATTACH_XDP, true);
  try {
    return bpf("BPF_PROG_LOAD", COMMAND.PROG_LOAD, attributes);
  } catch (error) {
    // Once more, to be told why: who has no permission to load is told nothing.
    attributes.setUint32(24, 1, true);
    attributes.setUint32(28, LOG, true);
    attributes.setBigUint64(32, BigInt(addressOf(log)), true);
    try {
      return bpf("BPF_PROG_LOAD", COMMAND.PROG_LOAD, attributes);
    } catch {
      const said = new TextDecoder().decode(log.subarray(0, log.indexOf(0))).trim();
      if (said === "") throw error;
      throw new VerifierError(said.split("\n").slice(-3).join("; "));
    }
  }
}

/**
 * Lets a program see what comes to an interface, in a mode of {@linkcode XDP_FLAGS}, as long as the descriptor that this
 * gives is open in some process. Throws `LibcError`: `EBUSY` if there is a program already.
 */
export function attachXdp(program: number, index: number, mode: number): number {
  const attributes = new DataView(new ArrayBuffer(64));
  attributes.setUint32(0, program, true);
  attributes.setUint32(4, index, true);
  attributes.setUint32(8, ATTACH_XDP, true);
  attributes.setUint32(12, mode, true);
  return bpf("BPF_LINK_CREATE", COMMAND.LINK_CREATE, attributes);
}

/** Runs a program on a frame, which no interface sees; gives what it answers. Throws `LibcError`. */
export function runXdp(program: number, frame: Uint8Array<ArrayBuffer>): number {
  const attributes = new DataView(new ArrayBuffer(80));
  attributes.setUint32(0, program, true);
  attributes.setUint32(8, frame.length, true);
  attributes.setBigUint64(16, BigInt(addressOf(frame)), true);
  attributes.setUint32(32, 1, true);
  bpf("BPF_PROG_TEST_RUN", COMMAND.PROG_TEST_RUN, attributes);
  return attributes.getUint32(4, true);
}

/** The system call, with a command and its attributes; gives what it gives. Throws `LibcError`. */
export function bpf(name: string, command: bigint, attributes: DataView<ArrayBuffer>): number {
  const bytes = new Uint8Array(attributes.buffer);
  const result = Number(libc().syscall(SYSCALL, command, bytes, BigInt(bytes.length)));
  if (result < 0) throw new LibcError(name, errno());
  return result;
}
