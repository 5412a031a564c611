/**
 * Options of segments, as bytes and back (RFC 9293, section 3.2; RFC 2018; RFC 7323).
 *
 * @module
 */

import type { TcpOption } from "./syntax.ts";

/** Lays options out, and fills up to a whole word with ends of the list. */
export function layOutOptions(options: readonly TcpOption[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const word = (value: number) =>
    bytes.push(value >>> 24 & 255, value >>> 16 & 255, value >>> 8 & 255, value & 255);
  for (const option of options) {
    switch (option.kind) {
      case "mss":
        bytes.push(2, 4, option.value >> 8, option.value & 255);
        break;
      case "wscale":
        bytes.push(3, 3, option.value);
        break;
      case "sackOK":
        bytes.push(4, 2);
        break;
      case "nop":
        bytes.push(1);
        break;
      case "eol":
        bytes.push(0);
        break;
      case "TS":
        bytes.push(8, 10);
        word(option.value ?? 0);
        word(option.echo ?? 0);
        break;
      case "sack":
        bytes.push(5, 2 + 8 * option.blocks.length);
        for (const [from, to] of option.blocks) {
          word(from);
          word(to);
        }
        break;
      case "raw":
        bytes.push(...option.bytes);
    }
  }
  while (bytes.length % 4 !== 0) bytes.push(0);
  return Uint8Array.from(bytes);
}

/** Reads options that the host sent. What is cut short is given as bytes. */
export function readOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  const word = (at: number) =>
    (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at]!;
    if (kind <= 1) {
      options.push({ kind: kind === 0 ? "eol" : "nop" });
      at++;
      continue;
    }
    const size = Math.max(bytes[at + 1] ?? 0, 2);
    options.push(readOption(kind, size, at, bytes, word));
    at += size;
  }
  return options;
}

function readOption(
  kind: number,
  size: number,
  at: number,
  bytes: Uint8Array,
  word: (at: number) => number,
): TcpOption {
  if (kind === 2 && size === 4) return { kind: "mss", value: bytes[at + 2]! << 8 | bytes[at + 3]! };
  if (kind === 3 && size === 3) return { kind: "wscale", value: bytes[at + 2]! };
  if (kind === 4 && size === 2) return { kind: "sackOK" };
  if (kind === 8 && size === 10) return { kind: "TS", value: word(at + 2), echo: word(at + 6) };
  if (kind === 5) {
    const blocks: [number, number][] = [];
    for (let i = at + 2; i + 8 <= at + size; i += 8) blocks.push([word(i), word(i + 4)]);
    return { kind: "sack", blocks };
  }
  return { kind: "raw", bytes: [...bytes.subarray(at, at + size)] };
}

/** An option as a script has it. */
export function formatOption(option: TcpOption): string {
  switch (option.kind) {
    case "mss":
    case "wscale":
      return `${option.kind} ${option.value}`;
    case "TS":
      return `TS val ${option.value ?? "..."} ecr ${option.echo ?? "..."}`;
    case "sack":
      return `sack ${option.blocks.map(([from, to]) => `${from}:${to}`).join(" ")}`;
    case "raw":
      return `raw ${option.bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    default:
      return option.kind;
  }
}
