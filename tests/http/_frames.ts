/**
 * WebSocket's frames as bytes (RFC 6455, section 5.2), right ones and wrong ones, for an end that is nobody's library.
 *
 * @module
 */

import { bytes } from "../net/_net.ts";

/** What a frame is. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const NAMES = new Map<number, string>(
  Object.entries(OPCODE).map(([name, opcode]) => [opcode, name]),
);

/** What is not as usual in a frame. */
export interface FrameOptions {
  /** Whether it is the last one of its message. @default {true} */
  readonly fin?: boolean;
  /** The reserved bits. @default {0} */
  readonly rsv?: number;
  /** The length that it claims. */
  readonly length?: number;
  /** Whether it is masked where it must not be, or the other way round. @default {false} */
  readonly wrongMask?: boolean;
}

/** A frame that is not made yet: how depends on which end sends it. */
export interface Frame extends FrameOptions {
  /** See {@linkcode OPCODE}. */
  readonly opcode: number;
  /** What is in it. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Describes a frame. */
export function frame(
  opcode: number,
  payload: string | readonly number[] | Uint8Array<ArrayBuffer> = "",
  options: FrameOptions = {},
): Frame {
  const content = typeof payload === "string" ? bytes(payload) : new Uint8Array(payload);
  return { opcode, payload: content, ...options };
}

/** The payload of a frame that closes. */
export function closing(code: number, reason = ""): Uint8Array<ArrayBuffer> {
  return new Uint8Array([code >> 8, code & 0xff, ...bytes(reason)]);
}

/** Makes frames, as a client or a server sends them. */
export function encode(frames: readonly Frame[], isClient: boolean): Uint8Array<ArrayBuffer> {
  const parts = frames.map((one, nth) =>
    encodeOne(one, isClient !== (one.wrongMask === true), nth)
  );
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

function encodeOne(
  { opcode, payload, fin = true, rsv = 0, length = payload.length }: Frame,
  masked: boolean,
  nth: number,
): Uint8Array {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = 2 + extended + (masked ? 4 : 0);
  const made = new Uint8Array(header + payload.length);
  const view = new DataView(made.buffer);
  made[0] = (fin ? 0x80 : 0) | rsv << 4 | opcode;
  made[1] = (masked ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) view.setUint16(2, length);
  if (extended === 8) view.setBigUint64(2, BigInt(length));
  made.set(payload, header);
  if (!masked) return made;
  // Every other one is masked with zeros, which is a mask as well.
  const mask = nth % 2 === 0 ? [0x37, 0xfa, 0x21, 0x3d] : [0, 0, 0, 0];
  made.set(mask, header - 4);
  for (let i = 0; i < payload.length; i++) made[header + i]! ^= mask[i % 4]!;
  return made;
}

/** Reads frames from a socket up to one that closes, or the end of the stream, and says each in a few words. */
export async function readFrames(
  connection: Deno.Conn,
  isClient: boolean,
): Promise<string[]> {
  const told: string[] = [];
  let held = new Uint8Array(0);
  const buffer = new Uint8Array(65_536);
  for (;;) {
    for (let next; (next = decode(held, isClient)) !== undefined;) {
      const [said, length] = next;
      told.push(said);
      if (said.startsWith("close")) return told;
      held = held.subarray(length);
    }
    const length = await connection.read(buffer).catch(() => null);
    if (length === null) return told;
    const more = new Uint8Array(held.length + length);
    more.set(held);
    more.set(buffer.subarray(0, length), held.length);
    held = more;
  }
}

/** The first frame that is whole, in words, and its length. */
function decode(
  from: Uint8Array<ArrayBuffer>,
  isClient: boolean,
): [said: string, length: number] | undefined {
  if (from.length < 2) return undefined;
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  const short = from[1]! & 0x7f;
  const extended = short < 126 ? 0 : short === 126 ? 2 : 8;
  const isMasked = (from[1]! & 0x80) !== 0;
  const header = 2 + extended + (isMasked ? 4 : 0);
  if (from.length < header) return undefined;
  const length = extended === 0
    ? short
    : extended === 2
    ? view.getUint16(2)
    : Number(view.getBigUint64(2));
  if (from.length < header + length) return undefined;
  const mask = isMasked ? from.subarray(header - 4, header) : [0, 0, 0, 0];
  const payload = from.slice(header, header + length).map((byte, i) => byte ^ mask[i % 4]!);
  const name = NAMES.get(from[0]! & 0xf) ?? `opcode ${from[0]! & 0xf}`;
  const odd = [
    ...(from[0]! & 0x80) === 0 ? ["unfinished "] : [],
    ...(from[0]! & 0x70) !== 0 ? ["reserved "] : [],
    // What a client sends is masked, and nothing else is (RFC 6455, section 5.1).
    ...isMasked === isClient ? ["wrongly masked "] : [],
  ].join("");
  return [`${odd}${name} ${describe(name, payload)}`.trimEnd(), header + length];
}

/** A payload in words. What is long is the same byte over and over. */
export function describe(name: string, payload: Uint8Array<ArrayBuffer>): string {
  if (name === "close") {
    if (payload.length < 2) return "";
    const code = payload[0]! << 8 | payload[1]!;
    return `${code} ${new TextDecoder().decode(payload.subarray(2))}`.trimEnd();
  }
  if (payload.length > 200 && payload.every((byte) => byte === payload[0])) {
    return `${payload.length} times ${payload[0]}`;
  }
  return name === "text" ? new TextDecoder().decode(payload) : `${[...payload]}`;
}
